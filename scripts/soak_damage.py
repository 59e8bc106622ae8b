"""Damage one file of a run or of a sweep, go on with it, compare it or list it, and see what is said of it.

A trial copies what was made once, damages one file of the copy and calls one command. Its end is one of: refused, in a
line that names the file; equal to what nobody damaged; told (the file is named, or `compare` says that the runs
differ, and the command ends). Anything else is a Fault, and is printed: exit 0 with other results, a traceback, a line
that names nothing.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from soak_children import launch
from soak_damage_cases import CASES, Case, make, plain
from soak_fault import Fault, ended


def _bit(data: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(data) or 1)
    return data[:place] + bytes([data[place] ^ 1 << draw.randrange(8)]) + data[place + 1 :] if data else b"\1"


def _line(data: bytes, draw: random.Random, line: bytes) -> bytes:
    """One more line somewhere between two."""
    lines = data.splitlines(keepends=True)
    place = draw.randint(0, len(lines))
    return b"".join([*lines[:place], line, *lines[place:]])


DAMAGE = {
    "a bit": _bit,
    "another bit": _bit,
    "a cut tail": lambda data, draw: data[: draw.randrange(len(data) or 1)],
    "an empty line": lambda data, draw: _line(data, draw, b"\n"),
    "a long field": lambda data, draw: _line(data, draw, b"x" * 200_000 + b"\n"),
    "a byte 0xff": lambda data, draw: _line(data, draw, b"\xff"),
    "nothing in it": lambda data, draw: b"",
    "no file": lambda data, draw: None,
}


def _trial(case: Case, name: str, kind: str, draw: random.Random, where: Path) -> str:
    """The end of a trial in one word; raises Fault."""
    copy = where / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(where / case.origin, copy)
    data = DAMAGE[kind]((copy / name).read_bytes(), draw)  # type: ignore[no-untyped-call]
    if data is None:
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(data)
    code = ended(launch(case.command, where, prepare=plain))
    said = (where / "said.txt").read_text()
    named = Path(name).name in said
    if "Traceback" in said or code not in (0, 1, 3):
        raise Fault(f"exit {code}: {said[-400:]}")
    if code == 1:
        if not any(line.startswith("hl-run: ") and Path(name).name in line for line in said.splitlines()):
            raise Fault(f"exit 1, and the file is not named: {said[-400:]}")
        return "refused"
    if code == 3:
        return "told"
    apart = case.apart(where, copy, said)
    if apart and not named:
        raise Fault(f"silently wrong: {apart}")
    return "told" if apart else "equal"


def soak(trials: int, seed: int, cases: list[str]) -> None:
    """So many trials, over all cases, files and kinds of damage in turn."""
    draw, tally, faults = random.Random(seed), Counter[str](), []
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        make(where)
        files = {c: [p.relative_to(where / c.origin) for p in sorted((where / c.origin).rglob("*"))] for c in CASES}
        for number in range(trials):
            case = CASES[number % len(CASES)]
            name = str(draw.choice([n for n in files[case] if (where / case.origin / n).is_file() and case.reads(n)]))
            kind = draw.choice(list(DAMAGE))
            try:
                end = _trial(case, name, kind, draw, where)
            except Fault as fault:
                end = str(fault).partition(":")[0]
                faults.append(f"{case.name}, {name}, {kind}: {fault}")
                print(f"FAULT {faults[-1]}", flush=True)
            tally[f"{case.name}: {end}"] += 1
            if number % 20 == 19:
                print(f"{number + 1} trials", flush=True)
    print("\n".join(f"  {count:4} {end}" for end, count in sorted(tally.items())))
    if faults:
        raise Fault(f"{len(faults)} of {trials} trials")
    print(f"{trials} files damaged: none silently wrong, no traceback, each refusal names its file")
