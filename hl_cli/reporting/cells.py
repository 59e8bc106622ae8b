"""Cells of a CSV file that a spreadsheet shows and never runs."""

from __future__ import annotations

from typing import Any

FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def as_cell(value: Any) -> Any:
    """A value for a cell: None is empty, and a text that would be a formula, and is no number, begins with '.

    >>> as_cell("=cmd|'/C calc'!A0"), as_cell("-0.5"), as_cell("mlp"), as_cell(-0.5), as_cell(None)
    ("'=cmd|'/C calc'!A0", '-0.5', 'mlp', -0.5, '')
    """
    if value is None:
        return ""
    if not isinstance(value, str) or not value.startswith(FORMULAS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
