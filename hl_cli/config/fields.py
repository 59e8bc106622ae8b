"""How a field of a config is declared: default, meaning with its unit, and what is allowed."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def described(default: Any, meaning: str, **bounds: Any) -> Any:
    """Make a field with its meaning and what is allowed: choices, or above, below, least, most."""
    metadata = {"meaning": meaning, "choices": bounds.pop("choices", None), "bounds": bounds}
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)
