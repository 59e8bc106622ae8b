"""Hamiltonian Monte Carlo on flat and on curved spaces: targets, metrics, trajectories and chains.

Nothing of it learns over time; it shares the maps of a phase space with the rest.
"""
