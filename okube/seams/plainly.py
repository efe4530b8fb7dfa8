"""What an error of a connection says, for people: without the address that stands beside it, and without objects."""

import os
import re

__all__ = ["plainly"]

_CANNOT_CONNECT = re.compile(r"Cannot connect to (?:host|unix socket) \S+ ssl:.+? \[(.*)\]", re.DOTALL)


def plainly(error: BaseException) -> str:
    """A few words on why a call got no answer: ``connection refused``, ``no answer in time``."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = str(error)
    if found := _CANNOT_CONNECT.fullmatch(text):
        number = getattr(error, "errno", None)
        text = found[1]
        if text.startswith("Connect call failed") and isinstance(number, int):
            text = os.strerror(number).lower()
    return text or type(error).__name__
