"""The comparison: one loop for both learners, how far their weights are apart, and the verdict."""
