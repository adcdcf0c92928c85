"""Looking after a database: what ``cdbench db`` does with it.

Checks, backups, copies, merges, tidying. Training, reports and figures need none of this.
"""
