"""Reports; one a file, beside the formats that they come in."""
