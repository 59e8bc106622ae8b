"""What is filmed, a file each: a physical system, its starts, and where its bodies are in the picture."""
