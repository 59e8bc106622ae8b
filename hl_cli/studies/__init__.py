"""Studies: what repetitions of a setting say together, and tuning with equal budgets before it."""
