"""Physical systems in phase space, a file each: starts, exact energies and momenta, trajectories."""
