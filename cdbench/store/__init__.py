"""The results database: its schema and migrations, and how it is written and read.

Nothing else in cdbench uses SQLAlchemy or Alembic, and no ORM row leaves this package.
"""
