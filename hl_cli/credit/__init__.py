"""Credit: how the gradient of a learning period comes about. One contract, one file a kind."""
