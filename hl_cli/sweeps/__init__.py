"""Sweeps: what a sweep consists of, which of its jobs are done, and the files that say so after every job."""
