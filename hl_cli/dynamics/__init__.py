"""The mathematics of Hamiltonian Learning: pure functions, no config, no files, no networks."""
