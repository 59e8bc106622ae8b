"""Hamiltonian Generative Networks beside rivals: they learn the motion behind a video from its frames alone."""
