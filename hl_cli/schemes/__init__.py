"""In which order the parts of a net see one another; one file a scheme, with its config, its checks, its learner."""
