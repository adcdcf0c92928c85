"""Looking after a database: what ``cdbench db`` does.

This is checking, backing up, copying, merging and tidying. Training, reports and figures do not
need it.
"""
