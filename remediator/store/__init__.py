"""SQLAlchemy tables, the Store class and Alembic migrations; rows do not leave this package."""
