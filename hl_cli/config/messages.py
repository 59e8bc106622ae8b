"""Errors of Hydra, OmegaConf and the run, each as one line: what was wrong, where, and what is allowed."""

from __future__ import annotations

import difflib
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import hl_cli
from hl_cli.config import Arm, validation
from hl_cli.config.renamed import removed, renewed
from hl_cli.errors import BadInput, cut

PACKAGE = Path(hl_cli.__file__).parent
WRITERS = ("reporting/", "sweeps/", "runs/run", "runs/finish", "runs/restart", "cli/app", "cli/session")
"""The code that writes into the folder of a run."""


def format_error(error: BaseException) -> str:
    """Say the error in one line, the field and the allowed values where they are known."""
    return cut(_line(error))


def _line(error: BaseException) -> str:
    if isinstance(error, BadInput):
        return " ".join(str(error).splitlines())
    if isinstance(error, OSError) and error.strerror:
        file = f" ({error.filename})" if error.filename else ""
        if not of_our_writing(error):
            return f"{type(error).__name__}: {error.strerror}{file}{_raised_in(error)}"
        return f"{error.strerror}{file}; allowed: a folder that can be made and written; what was written is kept"
    text = "\n".join(str(e) for e in _causes(error))
    if "Config group override must be a string" in text:
        return "a choice is null or a number; allowed: the name of an option, such as stream=digits"
    for explain in (_unknown_option, _unknown_key, _a_part_of_a_stream, _wrong_type, _wrong_value):
        line = explain(text)
        if line:
            return line
    flat = " ".join(part.strip() for part in str(error).splitlines() if part.strip())
    if type(error).__module__.partition(".")[0] in ("hydra", "omegaconf"):
        return flat
    return f"{type(error).__name__}: {flat} (HYDRA_FULL_ERROR=1 shows where)"


def of_our_writing(error: BaseException) -> bool:
    """Whether an error comes from where a run writes its files, and not from a stream, a net, or the network.

    The innermost frame of hl_cli tells; where there is none, Hydra was about to make a folder.
    """
    files = [_own(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    ours = [file for file in files if file]
    return isinstance(error, OSError) and (not ours or ours[-1].startswith(WRITERS))


def _own(file: str) -> str:
    """The path of a file of code within hl_cli, or nothing."""
    path = Path(file)
    return path.relative_to(PACKAGE).as_posix() if path.is_relative_to(PACKAGE) else ""


def _raised_in(error: BaseException) -> str:
    """The file and line of the user, or of a library, where an error began."""
    frames = traceback.extract_tb(error.__traceback__)
    return f", in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _unknown_option(text: str) -> str | None:
    """stream=foo, where configs/stream/foo.yaml does not exist."""
    match = re.search(r"Could not find '([\w@.]+)/([^']+)'\s+Available options in '[^']+':\s+(.*)", text, re.DOTALL)
    if not match:
        return None
    group, option, rest = match.groups()
    options = re.findall(r"^\s*([\w-]+)\s*$", rest, re.MULTILINE)
    near = difflib.get_close_matches(option.lower(), options, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    own = ", or module:factory for your own" if group in ("stream", "model") else ""
    return f"{group}={option}: no such option; {hint}allowed: {', '.join(sorted(options))}{own}"


def _unknown_key(text: str) -> str | None:
    """A field that the config, or the option chosen for it, does not have."""
    deleted = re.search(r"Could not delete from config\. '([^']+)' does not exist", text)
    if deleted:
        return f"~{deleted[1]}: no such field, so it cannot be removed"
    match = re.search(r"Key '[^']+' (?:is not in struct|not in '(\w+)')\s+full_key: (\S+)", text)
    if not match:
        return None
    kind, name = match.groups()
    if (now := renewed(name)) != name:
        return f"{name}: is now called {now}"
    if gone := removed(name):
        return gone
    if kind == Arm.__name__ or re.fullmatch(r"arms\.\w+", name):
        return f"{name}: {name.split('.')[1]} is no arm of arm=; add it there, or choose among all arms with only="
    if ".options." in name:
        return f"{name}: an option of your own is added with a plus: +{name}=VALUE"
    group, _, field = name.rpartition(".")
    has = [f"{group}.{key}" if group else key for key in validation.fields_of(kind)]
    if group and field and has:
        near = difflib.get_close_matches(name, has, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        return f"{name}: no such field here; {hint}allowed: {', '.join(has)}"
    near = _near(name)
    hint = f"did you mean {', '.join(near)}?" if near else "hl-run --help lists all"
    return f"{name}: no such field; {hint}"


def _near(name: str) -> list[str]:
    """Fields that may be meant: of a run itself with nearly this name, then of its parts with this very name."""
    known = [*dict.fromkeys((*validation.names(), *validation.CHOICES))]
    own = difflib.get_close_matches(name, [other for other in known if "." not in other], n=1, cutoff=0.75)
    same = [other for other in known if other.rpartition(".")[2] == name]
    return [*own, *same][:3] or difflib.get_close_matches(name, known, n=3)


def _a_part_of_a_stream(text: str) -> str | None:
    """stream.streams.a=digits, where Hydra wants an @ to choose a config, and a + only for a new part."""
    match = re.search(r"Error merging override (stream\.streams\.\w+)=(\w+)", text)
    if match:
        return f"{match[1]}={match[2]}: a stream is chosen with an @: stream@{match[1]}={match[2]}"
    match = re.search(
        r"Could not append '(stream@[^']+)'|To override a value use 'override (stream@[^']+?): (\w+)'", text
    )
    if match:
        return f"{match[1] or match[2]}: there is one of this name already: leave out the +, or choose another name"
    return None


def _wrong_type(text: str) -> str | None:
    """A value that cannot become the type of its field."""
    match = re.search(r"^(.*Value '.*|.*Invalid value '.*)$", text, re.MULTILINE)
    key = re.search(r"full_key: (\S+)", text)
    if not match or not key:
        return None
    said = match.group(1).strip()
    value = re.search(r"[Vv]alue '([^']*)'", said)
    choices = re.search(r"expected one of \[(.*)\]", said)
    kind = re.search(r"converted to (\w+)", said)
    allowed = (
        choices.group(1)
        if choices
        else {"Integer": "a whole number", "Float": "a number"}.get(kind.group(1) if kind else "", said)
    )
    return f"{key.group(1)}={value.group(1) if value else '?'}: allowed: {allowed}"


def _wrong_value(text: str) -> str | None:
    """A value of another shape than its field."""
    match = re.search(r"Error merging override (.*)", text)
    if not match:
        return None
    if "ListConfig" in text:
        return f"{match.group(1)}: allowed: a list, such as [{match.group(1).rpartition('=')[2]}]"
    if "not Optional" in text or "is not optional" in text.lower():
        return f"{match.group(1)}: allowed: a value; this field cannot be null"
    said = [
        line.strip() for line in text.splitlines()[1:] if line.strip() and "_type" not in line and "_key" not in line
    ]
    return f"{match.group(1)}: not allowed: {said[0] if said else 'a value of another type'}"


def warn(message: Warning | str, category: type[Warning], *where: object, **more: object) -> None:
    """A warning in one line, in the place of warnings.showwarning."""
    print(f"hl-run: {' '.join(str(message).split())}", file=sys.stderr)
