"""Alembic's environment and versions, shipped inside the package and run by ``Database.migrate``."""
