"""From when to when a certificate is good, of a connection that shows it: a connection must not outlive it.

TLS looks at a certificate once, in the handshake. What was let in with a good one would stay for as long as it likes.
"""

import ssl
from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["Lasting"]

_WORN = 0.75
"""So much of its life is over when the next one should have taken its place for long: that is due at half of it."""
_AGAIN = 4


class Lasting(msgspec.Struct, frozen=True):
    """Seconds since 1970, UTC."""

    begins_s: float
    ends_s: float

    @classmethod
    def of(cls, peercert: Mapping[str, Any] | None) -> "Lasting | None":
        """Of a certificate as ``getpeercert()`` gives it; None where there is none."""
        begins, ends = (peercert or {}).get("notBefore"), (peercert or {}).get("notAfter")
        if not isinstance(begins, str) or not isinstance(ends, str):
            return None
        return cls(ssl.cert_time_to_seconds(begins), ssl.cert_time_to_seconds(ends))

    def left_s(self, now_s: float) -> float:
        """How long it is good still; negative where it has ended."""
        return self.ends_s - now_s

    def worn_in_s(self, now_s: float) -> float:
        """After which time it is wise to connect anew, for the other side should have its next one then.

        Where that did not help and it is worn already: after a part of what is left, so that it is tried some times.
        """
        worn_in = self.begins_s + _WORN * (self.ends_s - self.begins_s) - now_s
        return worn_in if worn_in > 0 else max(1.0, self.left_s(now_s) / _AGAIN)
