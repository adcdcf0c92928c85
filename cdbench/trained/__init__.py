"""Networks that have been trained: to be kept, used and taken elsewhere."""
