"""The package that `remediator fixers new` writes: templates, and what fills them in."""
