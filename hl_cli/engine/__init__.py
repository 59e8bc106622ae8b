"""Steps without Python: the calls of an eager step, recorded once and called again."""
