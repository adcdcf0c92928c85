"""Architectures: how layers are put together to a network, one a file."""
