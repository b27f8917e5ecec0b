"""The built-in fixers; each module imports ``remediator.api`` and data libraries only."""
