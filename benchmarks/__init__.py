"""What is measured, as tables: `make bench`."""
