"""The engine: layers, networks and their training, on NumPy alone."""
