"""Families compared fairly: matched sizes, a learning rate of each one's own, real intervals."""
