"""Acme's own fixers for remediator."""
