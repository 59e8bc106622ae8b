"""One run, from its config to its report; how it is left and gone on with."""
