"""Log lines that strangers can cause, at most one a second and subject."""

import asyncio
import logging

__all__ = ["Complaints"]

INTERVAL_S = 1.0
MAX_SUBJECTS = 1000


class Complaints:
    """Warnings with a subject; repeated ones within a second are counted and said with the next."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._said: dict[str, tuple[float, int]] = {}

    def say(self, subject: str, message: str, *args: object) -> None:
        """Warn, unless that was done within the last second."""
        now = asyncio.get_running_loop().time()
        said_at, held_back = self._said.get(subject, (-INTERVAL_S, 0))
        if now - said_at < INTERVAL_S:
            self._said[subject] = (said_at, held_back + 1)
            return
        if len(self._said) >= MAX_SUBJECTS:
            self._said.clear()
        self._said[subject] = (now, 0)
        if held_back:
            message, args = f"{message} (and %d times more before)", (*args, held_back)
        self._logger.warning(message, *args)
