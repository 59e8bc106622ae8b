"""The next character of a text file, over and over, read piece by piece."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from omegaconf import MISSING

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.stream import StreamConfig
from hl_cli.streams.rows import Rows
from hl_cli.streams.source_file import SourceFile
from hl_cli.streams.windows import PIECE, Windows
from hl_cli.types import TARGETS, Task

ALLOWED = "a text file in UTF-8 with two or more different characters"
MOST_HELD_OUT = 10_000  # characters
MOST_SYMBOLS = 8192  # a character is as many numbers
NUMBERS = 2**22  # in a piece
SCANNED = 2**20  # bytes at once


@choice("stream", home="TextStream")
@dataclass
class TextConfig(StreamConfig):
    """The next character of a text, over and over."""

    path: str = described(MISSING, "text file in UTF-8")
    ticks: int = described(16, "characters that a sample sees", least=1)
    targets: str = described("last", "ticks with a target: the last of a sample, or all", choices=TARGETS)
    held_out: float = described(0.1, "last part kept for evaluation, at most 10,000 characters", above=0, below=1)


class TextStream(Windows):
    """What a net sees at row t is character t, one-hot; the target is the number of character t + 1.

    vocabulary: the different characters of the whole file in the order of their code points, line ends as they are.
    The last part `held_out` of the characters, at most 10,000, is held out. What comes before is a circle: its last
    character is followed by its first, and a window may run over this seam.

    Raises BadInput at construction for a file that is missing, unreadable, empty, too short, not UTF-8 or of one
    character only; later for a file that has changed.
    """

    licence = "not said (your file)"

    def __init__(
        self,
        path: str,
        ticks: int = 16,
        targets: str = "last",
        held_out: float = 0.1,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        file = SourceFile(path, ALLOWED)
        scan = _scan(file)
        kept = min(MOST_HELD_OUT, round(scan.characters * held_out))
        circle = scan.characters - kept
        span = ticks * batch_size if targets == "all" else ticks + batch_size - 1
        if circle < span or kept < ticks + 1:
            raise file.bad(
                f"has {scan.characters} characters, {circle} to train on and {kept} held out; "
                f"allowed: at least {span} (ticks, batch) and {ticks + 1} (ticks, and the character after them)"
            )
        letters = Letters(scan.vocabulary, dtype)
        late = scan.late[len(scan.late) - kept :]
        end = file.size - len(late.encode())
        task = Task("classes", len(scan.vocabulary), targets, symbols=True)
        super().__init__(_Circle(file, letters, end), letters.rows(late), task, ticks, batch_size, dtype, device)
        self.vocabulary = scan.vocabulary
        self.train_samples = circle // ticks if targets == "all" else circle
        self.files = (file.location,)
        self.name, self.origin = file.name, f"{file.name}, {scan.characters} characters"


class Letters:
    """Makes rows of characters. vocabulary: sorted."""

    def __init__(self, vocabulary: str, dtype: torch.dtype) -> None:
        self.size, self._dtype, self._points = len(vocabulary), dtype, _code_points(vocabulary)

    def rows(self, text: str) -> Rows:
        """All characters but the last, one-hot, each with the number of the next."""
        numbers = torch.from_numpy(np.searchsorted(self._points, _code_points(text)))
        seen = numbers[:-1].unsqueeze(1)
        return Rows(torch.zeros(len(seen), self.size, dtype=self._dtype).scatter_(1, seen, 1.0), numbers[1:])


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), "<u4")


class _Circle:
    """The characters of the first `end` bytes, the first after the last, a source of windows."""

    def __init__(self, file: SourceFile, letters: Letters, end: int) -> None:
        self._file, self._letters, self._end = file, letters, end
        self._piece = max(1, min(PIECE, NUMBERS // letters.size))
        self._offset = 0
        self._first = self._text(0, 1)

    def _text(self, offset: int, count: int) -> str:
        """Up to `count` characters from a byte offset on."""
        with self._file.at(offset) as opened:
            raw = opened.read(min(4 * count, self._end - offset))  # a character has at most 4 bytes
        return codecs.utf_8_decode(raw)[0][:count]

    def __next__(self) -> Rows:
        text = self._text(self._offset, self._piece + 1)
        here = text[: self._piece]
        self._offset += len(here.encode())
        if self._offset == self._end:
            self._offset, text = 0, text + self._first
        return self._letters.rows(text)

    def state_dict(self) -> dict[str, Any]:
        """Byte offset of the next character."""
        return {"size": self._file.size, "offset": self._offset}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to that character."""
        self._file.same_size(state["size"])
        self._offset = state["offset"]


class _Scan(NamedTuple):
    """What one pass over the file finds. late: its last characters, more than may be held out."""

    characters: int
    vocabulary: str
    late: str


def _scan(file: SourceFile) -> _Scan:
    """Read the whole file once in pieces."""
    found: set[str] = set()
    characters, late, offset = 0, "", 0
    while offset < file.size:
        with file.at(offset) as opened:
            raw = opened.read(SCANNED)
        try:
            text, used = codecs.utf_8_decode(raw, "strict", offset + len(raw) == file.size)
        except UnicodeDecodeError as error:
            where = f"offset {offset + error.start}: byte {raw[error.start]:#04x}"
            raise file.bad(f"{where} is not UTF-8; allowed: {ALLOWED}") from None
        found.update(text)
        if len(found) > MOST_SYMBOLS:
            raise file.bad(f"has more than {MOST_SYMBOLS} different characters; allowed: at most so many")
        late = (late + text)[-MOST_HELD_OUT:]
        characters, offset = characters + len(text), offset + used
    if len(found) < 2:
        raise file.bad(f"has one character only, {min(found)!r}; allowed: {ALLOWED}")
    return _Scan(characters, "".join(sorted(found)), late)
