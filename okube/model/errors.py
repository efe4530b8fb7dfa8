"""Every error that Okube raises on purpose; mapped once to HTTP (``manager``) and once to exit codes (``cli``)."""

import msgspec

__all__ = [
    "UNREADABLE",
    "BadFile",
    "Conflict",
    "Defect",
    "FieldError",
    "Forbidden",
    "Gone",
    "InvalidInput",
    "KeyReused",
    "Malformed",
    "NoQuorum",
    "NotEnabled",
    "NotFound",
    "OkubeError",
    "OutcomeUnknown",
    "SlowDown",
    "StaleEpoch",
    "TooLarge",
    "TooSlow",
    "Unauthorized",
    "UnknownMedia",
    "UnknownVersion",
    "Unreachable",
    "error_of_kind",
]


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec's decoders raise on bytes that somebody else has made."""


class FieldError(msgspec.Struct, frozen=True):
    """One thing wrong with an input: where (a field path such as ``ports[0].host``) and what would be right."""

    path: str
    message: str


class OkubeError(Exception):
    """The root. ``str(error)`` is a sentence for the person who reads it: what, where, what to do."""

    kind = "error"

    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class Malformed(OkubeError):
    """The input cannot be read at all: not JSON, not YAML, a wrong type of body (400)."""

    kind = "malformed"


class BadFile(Malformed):
    """A file of this machine cannot be used: missing, unreadable, damaged, or a secret open to others (exit 2)."""

    kind = "bad-file"


class Unauthorized(OkubeError):
    """Nobody said who they are, or it is not believed (401)."""

    kind = "unauthorized"


class Forbidden(OkubeError):
    """It is known who asks, and they may not (403)."""

    kind = "forbidden"


class NotFound(OkubeError):
    """There is nothing of that name (404)."""

    kind = "not-found"


class Conflict(OkubeError):
    """The state of things does not allow it: a name taken, a revision that moved on (409)."""

    kind = "conflict"


class StaleEpoch(Conflict):
    """The order comes from a leader that was deposed (409)."""

    kind = "stale-epoch"


class NotEnabled(Conflict):
    """Not every manager knows yet what this needs: they are being upgraded (409)."""

    kind = "not-enabled"


class UnknownVersion(OkubeError):
    """The log or a snapshot holds what only a newer Okube knows; this manager must not go on without it."""

    kind = "unknown-version"

    def __init__(self, what: str, *, needs: str, knows: int) -> None:
        super().__init__(
            f"{what} needs {needs}, and this Okube knows command version {knows}. All managers knew the newer one when "
            "it came into use, so this manager was put back to an older Okube, or joined with one. Install the newer "
            "Okube on this machine and start the manager again; nothing is lost, and the other managers go on"
        )


class TooLarge(OkubeError):
    """The input is larger than what is taken (413)."""

    kind = "too-large"


class TooSlow(OkubeError):
    """The request did not come in time (408)."""

    kind = "too-slow"


class UnknownMedia(OkubeError):
    """The body is of a type that is not read (415)."""

    kind = "unknown-media-type"


class Gone(OkubeError):
    """What was asked for is not kept any more: begin anew from a list (410)."""

    kind = "gone"


class SlowDown(OkubeError):
    """Too much is asked at a time; nothing was done, and asking again a little later is safe (429)."""

    kind = "slow-down"


class InvalidInput(OkubeError):
    """The input can be read and is wrong; ``errors`` names every place at once (422)."""

    kind = "invalid"

    @classmethod
    def of(cls, errors: list[FieldError], *, what: str = "input") -> "InvalidInput":
        """One exception for all that is wrong with ``what``."""
        lines = "; ".join(f"{e.path}: {e.message}" if e.path else e.message for e in errors)
        return cls(f"{what}: {lines}", tuple(errors))


class KeyReused(InvalidInput):
    """An idempotency key came again with another request (422)."""

    kind = "key-reused"


class NoQuorum(OkubeError):
    """No leader can be found or confirmed now; asking again later is safe (503)."""

    kind = "no-quorum"


class OutcomeUnknown(OkubeError):
    """The write may or may not have happened; repeating it with the same key is safe (504)."""

    kind = "outcome-unknown"


class Unreachable(OkubeError):
    """Nobody answered at any of the addresses tried."""

    kind = "unreachable"


class Defect(OkubeError):
    """A bug of Okube that was caught at the outermost rim (500)."""

    kind = "defect"


def error_of_kind(kind: str, detail: str, errors: tuple[tuple[str, str], ...] = ()) -> OkubeError:
    """The error whose class has that kind; a kind that this version does not know is a plain OkubeError."""
    found = tuple(FieldError(path, message) for path, message in errors)
    return _BY_KIND.get(kind, OkubeError)(detail, found)


_BY_KIND: dict[str, type[OkubeError]] = {
    cls.kind: cls
    for cls in (
        Malformed,
        Unauthorized,
        Forbidden,
        NotFound,
        Conflict,
        StaleEpoch,
        NotEnabled,
        Gone,
        TooLarge,
        TooSlow,
        UnknownMedia,
        SlowDown,
        InvalidInput,
        KeyReused,
        NoQuorum,
        OutcomeUnknown,
        Unreachable,
        Defect,
    )
}
