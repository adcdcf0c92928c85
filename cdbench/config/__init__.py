"""What a run is to be: its knobs, their values, the layer families, what is measured."""
