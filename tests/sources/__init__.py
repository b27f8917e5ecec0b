"""Promises of the sources of failures."""
