"""The results database: its schema, its migrations, writing and reading.

Nothing else in cdbench knows SQLAlchemy or Alembic, and no ORM row leaves this package.
"""
