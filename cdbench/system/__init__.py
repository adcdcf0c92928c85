"""What belongs to the machine: files and folders, memory, signals, threads."""
