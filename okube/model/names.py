"""Names and ids: what they may look like and how an id is made."""

import random
import re

__all__ = ["ID_LENGTH", "MAX_NAME", "NAME_PATTERN", "RESERVED_NAMES", "is_dns_label", "name_error", "new_id"]

MAX_NAME = 63
ID_LENGTH = 12
RESERVED_NAMES = frozenset({"admin", "ca"})
"""No manager and no worker bears one: their folders stand beside those of the processes in the data directory."""

NAME_PATTERN = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
"""The form of a name, as JSON Schema writes it."""

_LABEL = re.compile(NAME_PATTERN.strip("^$"))
# No vowels and no look-alikes: an id never spells a word and survives being read out over a phone.
_ID_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"


def is_dns_label(text: str) -> bool:
    """Whether ``text`` is a DNS label in lower case (RFC 1123, section 2.1): the form of every name."""
    return _LABEL.fullmatch(text) is not None


def name_error(text: str) -> str | None:
    """What is wrong with ``text`` as a name, as a sentence, or None."""
    if is_dns_label(text):
        return None
    return f"{text!r} is not a name: 1 to {MAX_NAME} of a-z, 0-9 and '-', starting and ending with a letter or digit"


def new_id(rng: random.Random) -> str:
    """A new short id: 12 characters, 57 bits."""
    return "".join(rng.choices(_ID_ALPHABET, k=ID_LENGTH))
