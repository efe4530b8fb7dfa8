"""Reading what shims write: rotated files of lines ``MILLISECONDS o|e TEXT``, oldest first, while they grow."""

import contextlib
import os
import re
import threading
from pathlib import Path
from typing import BinaryIO

from okube.model.wire import LogLine
from okube.worker.runtime.lines import Stream

__all__ = ["LogReader"]

_CHUNK = 256 << 10
_BLOCK = 64 << 10
_RECORD = re.compile(rb"(\d{1,15}) ([oe]) (.*)", re.DOTALL)
_STREAMS: dict[bytes, Stream] = {b"o": "stdout", b"e": "stderr"}


class LogReader:
    """One reader's place in a task's output; it holds one open file, and at most a chunk of it. For use in a thread."""

    def __init__(self, folder: Path, *, tail: int | None, since_ms: int | None) -> None:
        self._folder = folder
        self._since_ms = since_ms or 0
        self._file: BinaryIO | None = None
        self._rest = b""
        self._tail = tail
        self._lock = threading.Lock()
        self._closed = False

    def read(self) -> list[LogLine]:
        """The next lines; none if all that is there was read."""
        with self._lock:
            return self._read()

    def close(self) -> None:
        """Let go of the file, also while a thread still reads."""
        with self._lock:
            self._closed = True
            if self._file is not None:
                self._file.close()
                self._file = None

    def _read(self) -> list[LogLine]:
        while not self._closed:
            if self._file is None:
                self._begin()
            if self._file is None:
                return []
            chunk = self._file.read(_CHUNK)
            if not chunk and not self._advance():
                return []
            lines = self._lines(chunk)
            if lines:
                return lines
        return []

    def _lines(self, chunk: bytes) -> list[LogLine]:
        *records, self._rest = (self._rest + chunk).split(b"\n")
        lines = (_line(record) for record in records)
        return [line for line in lines if line is not None and line.time_ms >= self._since_ms]

    def _begin(self) -> None:
        files = self._files()
        tail, self._tail = self._tail, None  # of what there is now; what comes later is read whole
        if not files:
            return
        place, offset = (len(files) - 1, 0) if tail is None else _find_tail(files, tail)
        self._file = files.pop(place)
        self._file.seek(offset)
        for file in files:
            file.close()

    def _advance(self) -> bool:
        """Whether there is more to read: in this file after all, or in the one that was begun after it."""
        assert self._file is not None
        if _inode(self._file) == _inode_at(self._folder / "log"):
            return False
        more = self._file.read(1)  # written between the last look and the rotation
        if more:
            self._file.seek(-1, os.SEEK_CUR)
            return True
        files = self._files()
        inodes = [_inode(file) for file in files]
        place = inodes.index(_inode(self._file)) - 1 if _inode(self._file) in inodes else len(files) - 1
        newer = files.pop(place) if place >= 0 else None
        for file in files:
            file.close()
        if newer is None:
            return False
        self._file.close()
        self._file, self._rest = newer, b""
        return True

    def _files(self) -> list[BinaryIO]:
        """All files open, the newest first."""
        while True:
            older = sorted(self._folder.glob("log.[0-9]*"), key=lambda path: int(path.name[4:]))
            paths = [path for path in [self._folder / "log", *older] if path.exists()]
            opened: list[BinaryIO] = []
            with contextlib.suppress(FileNotFoundError):
                opened += (path.open("rb") for path in paths)
            if [_inode(file) for file in opened] == [_inode_at(path) for path in paths]:
                return opened
            for file in opened:  # rotated while they were opened
                file.close()


def _inode(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_ino


def _inode_at(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _line(record: bytes) -> LogLine | None:
    """One record; None for one that a full disk has mangled."""
    match = _RECORD.fullmatch(record)
    return LogLine(int(match[1]), _STREAMS[match[2]], match[3].decode(errors="replace")) if match else None


def _find_tail(files: list[BinaryIO], tail: int) -> tuple[int, int]:
    """Which file, and where in it, the last ``tail`` lines begin."""
    for place, file in enumerate(files):
        end = file.seek(0, os.SEEK_END)
        if tail <= 0:
            return place, end
        while end > 0:
            begin = max(0, end - _BLOCK)
            file.seek(begin)
            block = file.read(end - begin)
            lines = block.count(b"\n")
            if lines > tail:
                return place, begin + _before_last(block, tail)
            tail -= lines
            end = begin
    return len(files) - 1, 0


def _before_last(block: bytes, lines: int) -> int:
    """Where the last ``lines`` lines of ``block`` begin, which ends with a line feed or in the middle of a line."""
    place = len(block)
    for _ in range(lines + 1):
        place = block.rindex(b"\n", 0, place)
    return place + 1
