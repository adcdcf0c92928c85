"""Figures, drawn from what is read of a database."""
