"""The command line as it was typed, before Hydra reads it: flags first, and each slip said in one line.

Hydra's grammar of overrides: https://hydra.cc/docs/advanced/override_grammar/basic
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Sequence
from typing import Any, NoReturn

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, Override

from hl_cli.config import validation
from hl_cli.errors import BadInput

FUNCTIONS = "choice, range, interval, glob, sort, shuffle, tag, int, float, str, bool"
WORDS = {"help": "--help", "version": "--version", "sweep": "-m", "multirun": "-m", "resume": "resume=DIR"}
OPEN, CLOSED = "[{(", "]})"


def ordered(arguments: Sequence[str]) -> list[str]:
    """Put the flags before the choices and values, as Hydra wants them; raises BadInput for a flag it does not have."""
    known: dict[str, Any] = get_args_parser()._option_string_actions
    flags, others = [], []
    left = list(arguments)
    while left:
        argument = left.pop(0)
        if not argument.startswith("-"):
            others.append(argument)
            continue
        name, given, value = argument.partition("=")
        meant = [flag for flag in known if flag == name] or [flag for flag in known if _shortened(name, flag)]
        if len(meant) != 1:
            _no_such_flag(argument, left)
        flags.append(argument)
        action = known[meant[0]]
        if action.nargs == 0:
            if given:
                raise BadInput(f"{argument}: allowed: {meant[0]} alone, without a value")
            continue
        if not given:
            if action.nargs is not None and (not left or left[0] not in action.choices):
                flags[-1] = f"{meant[0]}={action.const}"  # it would take what follows for its value
                continue
            if not left:
                raise BadInput(f"{argument}: a value is missing; allowed: {' or '.join(action.choices or ['a value'])}")
            value = left.pop(0)
            flags.append(value)
        if action.choices and value not in action.choices:
            raise BadInput(f"{name}={value}: allowed: {', '.join(action.choices)}")
    return [*flags, *others]


def _shortened(name: str, flag: str) -> bool:
    return len(name) > 2 and name.startswith("--") and flag.startswith(name)


def _no_such_flag(argument: str, following: Sequence[str]) -> NoReturn:
    """A field with dashes, as other programs have them, or a flag with a slip in it."""
    bare, given, value = argument.lstrip("-").partition("=")
    field, names = bare.replace("-", "_"), list(validation.names())
    if not given:
        value = following[0] if following and not re.match(r"-|[^=]+=", following[0]) else "VALUE"
    if field in names:
        raise BadInput(f"{argument}: a field has no dashes; write {field}={value}")
    near = difflib.get_close_matches(bare.lower(), ["help", "version", "multirun", "cfg", "shell-completion"], n=1)
    near_field = difflib.get_close_matches(field, names, n=1)
    if near:
        raise BadInput(f"{argument}: no such flag; did you mean --{near[0]}?")
    if near_field:
        raise BadInput(f"{argument}: no such flag; did you mean {near_field[0]}={value}?")
    raise BadInput(f"{argument}: no such flag; hl-run --help lists all")


def check(arguments: Sequence[str]) -> None:
    """Raise BadInput for the first choice or value that Hydra could not read; arguments are `ordered` before."""
    said = get_args_parser().parse_args([*arguments])
    words: list[str] = said.overrides
    if (said.resolve or said.package) and not said.cfg:
        raise BadInput(f"{'--resolve' if said.resolve else '--package'}: allowed beside --cfg alone")
    if said.shell_completion:
        if not any(re.match(r"(un)?install=|query=", word) for word in words):
            raise BadInput("-sc: allowed: -sc install=bash, -sc uninstall=bash; or zsh, fish")
        return
    several = said.multirun or any(word.replace("'", "") == "hydra.mode=MULTIRUN" for word in words)
    for place, word in enumerate(words):
        try:
            (override,) = OverridesParser.create().parse_overrides([word])
        except Exception as error:
            raise BadInput(_misread(words, place, str(error))) from error
        if override.is_sweep_override() and not several:
            raise BadInput(_swept(word))
        if override.is_delete():
            _check_deletion(word, override)
        if override.key_or_group in validation.CHOICES or "/" in override.key_or_group:
            _check_choice(word, override)


def _misread(words: Sequence[str], place: int, said: str) -> str:
    """What is wrong with a word that is no override; said: by Hydra."""
    word = words[place]
    for count in range(2, len(words) - place + 1):  # [64, 32] without quotes is two words for a shell
        whole = " ".join(words[place : place + count])
        if _balance(word) > 0 and _balance(whole) == 0:
            return f"{whole}: a blank ends an argument; quote it, {shlex.quote(whole)}, or remove the blank"
    key, given, value = word.partition("=")
    if not given:
        return _no_value(words, place)
    if not re.fullmatch(r"(\+\+?|~)?[A-Za-z_][\w./@:-]*", key, re.ASCII):
        return f"{word}: {key or 'nothing'} is no name of a field; allowed: FIELD=VALUE; hl-run --help lists all"
    function = re.search(r"Unknown function '(\w*)'", said)
    reason = re.search(r"while evaluating '[^\n]*'\s*: ?([^\n]+)", said)
    why = "the value has to be quoted, for the shell and for Hydra"
    if function:
        why = f"{function[1]} is no function of Hydra's sweeps (they are {FUNCTIONS}); if it is text, quote it"
    elif reason:
        why = f"{' '.join(reason[1].split())}; if it is text, quote it"
    elif _balance(word):
        why = "a bracket has no partner; if it is text, quote it"
    return f"{word}: {why}: {_quoted(key, value)}"


def _balance(text: str) -> int:
    return sum((letter in OPEN) - (letter in CLOSED) for letter in text)


def _quoted(key: str, value: str) -> str:
    """The argument as it can be typed into a shell, with its value as a text of Hydra's."""
    inner = value.strip("'\"").replace("\\", "\\\\").replace('"', '\\"')
    return shlex.quote(f'{key}="{inner}"')


def _no_value(words: Sequence[str], place: int) -> str:
    word = words[place]
    if word in (*validation.names(), *validation.CHOICES):
        return f"{word}: a value is missing; allowed: {word}=VALUE"
    near = difflib.get_close_matches(word.lower(), WORDS, n=1)
    if near:
        return f"{word}: allowed: FIELD=VALUE; did you mean {WORDS[near[0]]}?"
    before = words[place - 1] if place else ""
    blank = f"; a value with a blank is quoted: {shlex.quote(f'{before} {word}')}" if "=" in before else ""
    return f"{word or repr(word)}: allowed: FIELD=VALUE, such as steps=100{blank}"


def _swept(word: str) -> str:
    """Several values, and one run."""
    key, _, value = word.partition("=")
    if re.match(r"\w+\(", value):
        return f"{word}: a sweep needs -m: hl-run -m {shlex.quote(word)}"
    shown = shlex.quote(f"{key}=[{value}]")
    return f"{word}: several values; -m runs each: hl-run -m {word}; a list is {shown}, a text {_quoted(key, value)}"


def _check_deletion(word: str, override: Override) -> None:
    name = override.key_or_group
    if name in validation.names():
        kind = "choice" if name in validation.CHOICES else "field"
        raise BadInput(f"{word}: a run needs this {kind}; it cannot be removed; allowed: {name}=VALUE")


def _check_choice(word: str, override: Override) -> None:
    """A choice is the name of an option; Hydra itself ends in a TypeError. Only arms and experiments may be several."""
    value, group = override.value(), override.key_or_group
    if isinstance(value, Glob):
        return
    for one in value.list if isinstance(value, ChoiceSweep) else [value]:
        names = one if isinstance(one, list) and group in validation.LISTS else [one]
        if not all(isinstance(name, str) or (name is None and names is not one) for name in names):
            raise BadInput(f"{word}: allowed: the name of an option{_where(group)}")


def _where(group: str) -> str:
    return f"; hl-run {group}= --help lists them" if group in validation.CHOICES else ""
