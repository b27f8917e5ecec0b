"""The pipeline, one stage a module: scan, plan, apply, resync, verify, undo."""
