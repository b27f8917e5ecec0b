"""Rule files, cause pages and reference tables: data only, found by path beside ``remediator``."""
