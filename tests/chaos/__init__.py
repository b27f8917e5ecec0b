"""Real processes killed, stopped and lied to, for as long as one likes: `python -m tests.chaos --help`."""
