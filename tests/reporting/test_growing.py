"""Files that grow with a run: what is on the disk is not brought there again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from hl_cli.reporting.growing import grow, settle


def test_a_file_is_synced_where_it_has_grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    path = tmp_path / "rows.csv"
    with grow(path, None) as file:
        counts = []
        for text in ("", "", "1,2\r\n", "", "3,4\r\n"):
            file.write(text)
            mark = settle(file)
            counts.append(len(synced))
    assert counts == [1, 1, 2, 2, 3]
    assert mark == [10, hashlib.sha256(path.read_bytes()).hexdigest()]
    with grow(path, mark) as file:  # whether an earlier process brought it to the disk is not known
        assert settle(file) == mark and len(synced) == 4
