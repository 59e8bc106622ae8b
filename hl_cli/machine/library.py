"""A library of C++ sources, built once a machine, and kept like all compiled code.

Its name in the cache is the hash of its sources, of how it is built, and of the compiler.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hl_cli.errors import BadInput
from hl_cli.machine.cache import cache, find, private
from hl_cli.machine.compiler import compiler, identity

LONGEST = 600  # seconds that a compiler may take


class Unbuilt(Exception):
    """There is no such library here; the text says why."""


def library(
    sources: Sequence[Path],
    asked: tuple[str, str],
    flags: Sequence[str],
    linked: Sequence[str] = (),
    of: object = None,
    build: bool = True,
) -> Path:
    """Its file, of the first source, which includes the others; raises Unbuilt.

    asked: the option that asked for it, and one that does without, for messages; linked: what the linker is given
    after the source; of: what else it depends on; build: whether one that is not kept is worth the compiler's seconds.
    """
    name = sources[0].stem
    try:
        command = compiler(asked)
        texts = [one.read_text() for one in sources]
        made_of = (texts, list(flags), list(linked), of, identity(command))
        key = f"{name}-{hashlib.sha256(repr(made_of).encode()).hexdigest()[:32]}"
        if not build and not (cache() / key).exists():
            raise Unbuilt("it has not been built yet")
        line = [command, "-fPIC", "-shared", "-w", *flags, str(sources[0])]
        with (private(asked) / f"{key}.lock").open("w") as lock:  # one process builds it, the others wait
            fcntl.flock(lock, fcntl.LOCK_EX)
            return find(key, lambda file: _build([*line, "-o", str(file), *linked]), f"{name}.so", asked)
    except BadInput as error:
        raise Unbuilt(str(error).removeprefix(f"{asked[0]}: ")) from error
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        raise Unbuilt(" ".join(str(getattr(error, "strerror", None) or error).split())[:200]) from error


def _build(line: Sequence[str]) -> None:
    """Run a compiler; raises RuntimeError with its first error."""
    done = subprocess.run(line, capture_output=True, text=True, errors="replace", timeout=LONGEST, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines() or [""]
        raise RuntimeError(f"{line[0]} cannot compile it: {said[0]}")
