"""What a run wrote, read again: a file that is damaged is named in one line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml

from hl_cli.errors import BadInput
from hl_cli.reporting.sealed import unsealed

CONFIG = ".hydra"
"""The folder of the config, in that of a run."""

Kind = TypeVar("Kind")


def text_of(path: Path) -> str:
    """The text of a file; raises BadInput where it is not UTF-8, and OSError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: damaged: byte {error.start} is not UTF-8") from error


def yaml_of(path: Path, kind: type[Kind]) -> Kind:
    """The content of a YAML file, a dict or a list; raises BadInput for another, or for text that is no YAML.

    An empty file holds an empty one.
    """
    text = text_of(path)
    try:
        said = yaml.safe_load(text)
        json.dumps(said, default=str)  # an alias may point to where it stands: no end
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise BadInput(f"{path}: damaged: no YAML{where}") from error
    if said is None:
        return kind()
    if not isinstance(said, kind):
        raise BadInput(f"{path}: damaged: a {type(said).__name__} where a {kind.__name__} is expected")
    return said


def json_of(path: Path) -> Any:
    """The content of a JSON file; raises BadInput for text that is no JSON, or not what a run wrote there."""
    text = text_of(path)
    try:
        return unsealed(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadInput(f"{path}: damaged: no JSON: {error}") from error
    except ValueError as error:
        raise BadInput(f"{path}: damaged: {error}") from error


def rows_of(path: Path) -> Iterator[list[str]]:
    """The rows of a CSV file, one at a time; raises BadInput for a line that is empty or cannot be read."""
    with path.open(newline="", encoding="utf-8") as file:
        rows, line = csv.reader(file), 0
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except UnicodeDecodeError as error:
                raise BadInput(f"{path}: damaged: after line {line}: a byte is not UTF-8") from error
            except csv.Error as error:
                raise BadInput(f"{path}: damaged: after line {line}: {error}") from error
            line = rows.line_num
            if not row:
                raise BadInput(f"{path}: damaged: line {line} is empty")
            yield row
