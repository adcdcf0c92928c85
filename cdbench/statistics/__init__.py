"""Estimates, their intervals, of which population they are, and how they are put in words."""
