"""What is said about a cluster that has lost its majority for good, and about who could go on alone."""

import msgspec

__all__ = ["RecoveryAnswer", "RecoveryOrder", "SurvivorView"]


class SurvivorView(msgspec.Struct, frozen=True, kw_only=True):
    """A manager and what it has; of one that does not answer, only its name and address are known.

    Of two logs the one with the later last term has more, and of equal terms the longer one.
    """

    name: str
    address: str
    answers: bool
    instance: str = ""
    leader: str | None = None
    voter: bool = True
    last_term: int = 0
    last_index: int = 0
    revision: int = 0
    epoch: str = ""
    heard_s: float | None = None
    """How long ago it last heard a leader, or led; None if never since it was started."""

    @property
    def has(self) -> tuple[int, int]:
        """Compares with another manager's: more is more."""
        return (self.last_term, self.last_index)


class RecoveryOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Have this manager go on alone, as it is now: what it has must still be what the person who asks has seen.

    ``prepare``: only check that it could, and save a copy.
    """

    name: str
    instance: str
    last_term: int
    last_index: int
    prepare: bool = False


class RecoveryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: where the copy is, and the incarnation that begins (0: none does)."""

    name: str
    copy: str
    incarnation: int = 0
