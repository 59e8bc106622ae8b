"""Variational integrator networks beside rivals: they forecast the motion of a system from short, noisy windows."""
