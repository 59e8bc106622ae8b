"""Points of task=density: a file each."""
