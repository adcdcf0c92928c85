"""What ``import cdbench`` offers."""
