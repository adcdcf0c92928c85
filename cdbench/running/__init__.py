"""From configurations to runs: in this process, in several, on a cluster."""
