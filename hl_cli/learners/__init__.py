"""Learners: one contract, two arms. HL integrates Hamilton's equations; PyTorch does what its users do."""
