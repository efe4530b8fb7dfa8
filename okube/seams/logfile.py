"""The log of a process that runs in the background: the file that it was started with, kept from growing for ever."""

import errno
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

__all__ = ["LIMIT_BYTES", "LogHandler"]

LIMIT_BYTES = 16 << 20


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes to ``stream``; where that is the file ``log``, it becomes ``log.1`` when it is full, and a new one begins.

    Whoever started the process gave it the open file, so what is renamed is put right underneath: the descriptors get
    the new file, and whatever else writes to them goes there as well. There are never more than two files of
    ``limit_bytes`` and a line.

    Args:
        log: where the file is; None where nobody should look after it.
        stream: what is written to.
        descriptors: what has the file open.
        limit_bytes: when it is full.
    """

    def __init__(
        self,
        log: Path | None,
        *,
        stream: TextIO | None = None,
        descriptors: Sequence[int] = (1, 2),
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        super().__init__(stream or sys.stderr)
        self._log = log
        self._descriptors = descriptors
        self._limit_bytes = limit_bytes

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, and begin a new file where the old one is full; a disk in trouble stops nothing."""
        super().emit(record)
        try:
            if self._log is not None and self._is_full(self._log):
                self._begin_anew(self._log)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        """A line for which the disk has no room stays in the stream's buffer; a trace of that would need room too."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
            super().handleError(record)

    def _is_full(self, log: Path) -> bool:
        mine = os.fstat(self._descriptors[-1])
        if mine.st_size <= self._limit_bytes:
            return False
        try:
            return os.path.samestat(mine, log.stat())
        except FileNotFoundError:
            return False  # somebody moved it away, and it is theirs

    def _begin_anew(self, log: Path) -> None:
        old = log.stat()
        log.replace(log.with_name(f"{log.name}.1"))
        fresh = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, old.st_mode & 0o777)
        try:
            for descriptor in self._descriptors:
                if os.path.samestat(os.fstat(descriptor), old):
                    os.dup2(fresh, descriptor)
        finally:
            os.close(fresh)
