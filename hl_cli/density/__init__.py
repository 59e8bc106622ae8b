"""Densities from points: Neural Hamiltonian Flow, RealNVP and a Gaussian mixture. Nothing learns over time there."""
