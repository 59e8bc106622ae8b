"""Update rules: one file a rule, registered there by its config class. A new integrator is tested by the laws."""

from hl_cli.dynamics.rules.base import UpdateRule as UpdateRule
from hl_cli.dynamics.rules.euler import explicit_euler as explicit_euler
from hl_cli.dynamics.rules.euler import semi_implicit_euler as semi_implicit_euler
