"""The nearest members of families to given matrices."""
