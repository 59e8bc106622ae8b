"""Minimising functions with exact gradients: many trials at once, equal budgets, fresh instances."""
