"""The unlock key at the start of a manager: from a file descriptor that whoever starts it has opened."""

import contextlib
import os
from collections.abc import Mapping

from okube.model.errors import BadFile, InvalidInput
from okube.security.keyring import UnlockKey

__all__ = ["DESCRIPTOR", "key_from_descriptor"]

DESCRIPTOR = "OKUBE_UNLOCK_KEY_FD"
"""Names the descriptor, such as 0 for stdin: neither a file nor the environment then holds the key."""

_MAX_BYTES = 1000


def key_from_descriptor(env: Mapping[str, str]) -> UnlockKey | None:
    """The key, where the environment names a descriptor to read it from; None where it does not.

    Raises:
        BadFile: there is no such descriptor, or no key comes from it.
    """
    number = env.get(DESCRIPTOR)
    if number is None:
        return None
    try:
        with contextlib.closing(open(int(number), "rb", closefd=int(number) > 2)) as opened:
            return UnlockKey.parse(opened.read(_MAX_BYTES).decode("ascii"))
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is no number of one"
        if isinstance(error, UnicodeDecodeError):
            reason = "what comes from it is no key"
        raise BadFile(f"{DESCRIPTOR} is {number!r}, and the unlock key cannot be read from there: {reason}.") from None
    except InvalidInput as error:
        raise BadFile(f"What comes from descriptor {number} ({DESCRIPTOR}) is no unlock key: {error}.") from None
