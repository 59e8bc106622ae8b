"""Networks as HL sees them: a chain of state blocks, an output net, and the ways to split a net into the two."""
