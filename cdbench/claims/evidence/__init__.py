"""What several claims need: quantities, curves, retrained networks, timings."""
