"""Update rules: one file a rule, one line a name. A new rule joins RULES, and the laws are tested over it."""

from hl_cli.dynamics.rules.base import UpdateRule
from hl_cli.dynamics.rules.euler import explicit_euler, semi_implicit_euler

RULES: dict[str, UpdateRule] = {rule.name: rule for rule in (semi_implicit_euler, explicit_euler)}
