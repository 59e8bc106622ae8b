"""What tasks share that repeat over seeds: random numbers by purpose, and quartiles."""
