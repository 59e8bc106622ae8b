"""A compressed file, one in another encoding, or a parquet file, as the UTF-8 text that a stream reads."""

from __future__ import annotations

import codecs
import gzip
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO

from hl_cli.errors import BadInput
from hl_cli.streams.source_file import SourceFile

CHUNK = 2**20  # bytes in memory at once
DAMAGED = (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, RuntimeError, NotImplementedError)
PARQUET = (".parquet", ".pq")


def source(path: str, allowed: str, encoding: str = "utf-8") -> SourceFile:
    """The file as it is where it is plain UTF-8, else its text."""
    file = SourceFile(path, allowed)
    try:
        utf8 = codecs.lookup(encoding).name in ("utf-8", "ascii")
        if not utf8:
            "".encode(encoding)
            b"".decode(encoding)
    except (LookupError, ValueError):
        raise BadInput(
            f"stream.encoding={encoding}: allowed: an encoding of Python, such as latin-1 or utf-16"
        ) from None
    plain = not file.name.lower().endswith((".gz", ".zip", *PARQUET))
    return file if plain and utf8 else Unpacked(path, allowed, encoding)


class Unpacked(SourceFile):
    """Its text lies in a temporary file without a name, in the folder that TMPDIR says, as long as the stream lives.

    Offsets are those of that text. Raises BadInput for a damaged file, and a zip with other than one file.
    """

    def __init__(self, path: str, allowed: str, encoding: str) -> None:
        super().__init__(path, allowed)
        self._text: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it is read until the stream is gone
        weakref.finalize(self, self._text.close)
        kind = self.name.lower()
        try:
            with super().at(0) as packed:
                if kind.endswith(PARQUET):
                    self._from_parquet(packed)
                elif kind.endswith(".zip"):
                    self._from_zip(packed, encoding)
                elif kind.endswith(".gz"):
                    with gzip.GzipFile(fileobj=packed) as opened:
                        self._copy(opened, encoding)
                else:
                    self._copy(packed, encoding)
        except DAMAGED as error:
            raise self.bad(f"cannot be unpacked: {error or type(error).__name__}; allowed: {allowed}") from None
        self._text.flush()

    def _from_zip(self, packed: BinaryIO, encoding: str) -> None:
        with zipfile.ZipFile(packed) as archive:
            names = [of.filename for of in archive.infolist() if not of.is_dir() and "__MACOSX" not in of.filename]
            if len(names) != 1:
                raise self.bad(f"has {len(names)} files; allowed: a zip of one CSV file")
            with archive.open(names[0]) as opened:
                self._copy(opened, encoding)

    def _copy(self, opened: Any, encoding: str) -> None:
        """Decode chunk by chunk. UTF-8 is copied: what is wrong with it is found where it is read."""
        if codecs.lookup(encoding).name in ("utf-8", "ascii"):
            while chunk := opened.read(CHUNK):
                self._text.write(chunk)
            return
        decoder, offset = codecs.getincrementaldecoder(encoding)(), 0
        while True:
            chunk = opened.read(CHUNK)
            try:
                self._text.write(decoder.decode(chunk, final=not chunk).encode())
            except UnicodeError as error:
                where = f"near byte {offset + getattr(error, 'start', 0)}"
                raise self.bad(f"{where} is not {encoding}; allowed: stream.encoding= as the file has it") from None
            offset += len(chunk)
            if not chunk:
                return

    def _from_parquet(self, packed: BinaryIO) -> None:
        """Write batch by batch as CSV."""
        try:
            from pyarrow import ArrowException, csv, parquet
        except ImportError:
            raise self.bad('parquet needs pyarrow: pip install "hl-run[parquet]"; allowed: a CSV file') from None
        try:
            file = parquet.ParquetFile(packed)
            csv.write_csv(file.schema_arrow.empty_table(), self._text)
            for batch in file.iter_batches():
                csv.write_csv(batch, self._text, csv.WriteOptions(include_header=False))
        except ArrowException as error:
            raise self.bad(
                f"is no usable parquet file: {str(error).splitlines()[0]}; allowed: columns of numbers and texts"
            ) from None

    @contextmanager
    def at(self, offset: int) -> Iterator[BinaryIO]:
        """The text at a byte offset. Only one reader at a time."""
        with super().at(0):  # it must stay as it is
            pass
        self._text.seek(offset)
        yield self._text  # type: ignore[misc]
