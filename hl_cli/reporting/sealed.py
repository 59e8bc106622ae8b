"""JSON files with a check sum of their own: `sha256`, the last key, is that of the others.

A flipped bit in a number leaves JSON that can be read. Who edits such a file by hand takes the key out of it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

KEY = "sha256"


def _digest(content: dict[str, Any]) -> str:
    """SHA-256 of a content in one form of JSON: reading and writing leaves it as it is."""
    return hashlib.sha256(json.dumps(content, allow_nan=False).encode()).hexdigest()


def sealed(content: dict[str, Any], indent: int) -> str:
    """The text of a file; raises ValueError for a number that is not finite."""
    return json.dumps({**content, KEY: _digest(content)}, indent=indent, allow_nan=False) + "\n"


def unsealed(text: str | bytes) -> Any:
    """The content of a file, sealed or not; raises ValueError where it is no JSON, or not what was written."""
    content = json.loads(text)
    if isinstance(content, dict) and KEY in content:
        told = content.pop(KEY)
        if told != _digest(content):
            raise ValueError("its check sum is not that of its content")
    return content
