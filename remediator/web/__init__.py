"""Pages: self-contained HTML for plans and reports."""
