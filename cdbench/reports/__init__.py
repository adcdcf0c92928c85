"""Reports, one per file, and the formats they come in."""
