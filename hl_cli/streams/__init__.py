"""Streams: samples over time, endless and restartable at any sample."""
