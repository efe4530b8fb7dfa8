"""Log lines for systemd's journal, which knows the time and the process by itself and takes the level from a mark."""

import logging
import os
from collections.abc import Mapping

__all__ = ["FORMAT", "JournalFormatter", "is_journal"]

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))  # syslog(3)


def is_journal(environ: Mapping[str, str], descriptor: int) -> bool:
    """Whether a descriptor is the stream to the journal that ``JOURNAL_STREAM`` names by device and inode."""
    named = environ.get("JOURNAL_STREAM")
    if not named:
        return False
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return named == f"{found.st_dev}:{found.st_ino}"


class JournalFormatter(logging.Formatter):
    """A mark with the priority before every line, so that ``journalctl -p warning`` finds what is one."""

    def __init__(self) -> None:
        super().__init__("%(levelname)-7s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a record; each gets its mark, for the journal takes them one by one."""
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())
