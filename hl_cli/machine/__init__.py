"""Native code of this machine: its C++ compiler, libraries built once, and the private folder that keeps them."""
