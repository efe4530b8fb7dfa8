"""Lines in files of a bounded size: the newest are kept, the oldest go. Blocking; call it in a thread."""

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Trail"]


class Trail:
    """``NAME.jsonl`` is written to, and ``NAME.1.jsonl`` and up are from before, the higher the older.

    Args:
        folder: made where it is missing, for its owner alone.
        name: of the files.
        file_bytes: a file that has so many is put away.
        files: so many are kept, the one that is written to included.
    """

    def __init__(self, folder: Path, name: str, *, file_bytes: int, files: int) -> None:
        self._folder = folder
        self._name = name
        self._file_bytes = file_bytes
        self._files = files

    def append(self, lines: bytes) -> None:
        """Add whole lines at the end; raises OSError, and then perhaps a part of them is there."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(0)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            with os.fdopen(descriptor, "ab", closefd=False) as file:
                if size and not _ends_a_line(path):
                    file.write(b"\n")  # one that was cut off by a full disk, or with the machine
                file.write(lines)
        finally:
            os.close(descriptor)
        if size + len(lines) >= self._file_bytes:
            self._put_away()

    def newest_first(self) -> Iterator[bytes]:
        """All lines, without their ends, from the last one back."""
        for number in range(self._files):
            try:
                data = self._path(number).read_bytes()
            except FileNotFoundError:
                continue
            yield from reversed(data.splitlines())

    def _put_away(self) -> None:
        for number in reversed(range(self._files - 1)):
            if self._path(number).exists():
                os.replace(self._path(number), self._path(number + 1))
        if self._files == 1:
            self._path(0).unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._name}{f'.{number}' if number else ''}.jsonl"


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
