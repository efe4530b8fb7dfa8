"""What the Raft layer raises, beside ``NoQuorum``, ``OutcomeUnknown``, ``Conflict`` and ``NotFound`` of the model."""

from okube.model.errors import Conflict, Defect, NoQuorum, NotFound, OkubeError, OutcomeUnknown, TooLarge

__all__ = [
    "ApplyFailed",
    "Conflict",
    "JournalDamaged",
    "LeaderStays",
    "NoQuorum",
    "NotBootstrapped",
    "NotFound",
    "NotLeader",
    "OutcomeUnknown",
    "ProposalTooLarge",
    "Removed",
    "Sidelined",
]


class NotLeader(NoQuorum):
    """This member does not lead, so nothing was proposed; ``leader`` is who does, as far as it knows."""

    kind = "not-leader"

    def __init__(self, leader: str | None) -> None:
        super().__init__(f"this manager is not the leader; {leader} is" if leader else "there is no leader now")
        self.leader = leader


class Sidelined(NoQuorum):
    """This member's disk is full, so it takes no part and cannot keep up with the others, who may well go on."""


class ProposalTooLarge(TooLarge):
    """A proposal above ``RaftConfig.max_proposal_bytes``."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"the change takes {size} bytes in the log and the limit is {limit}; split it")


class JournalDamaged(OkubeError):
    """Journal or snapshot on disk cannot be trusted; the member must not vote and refuses to start."""

    kind = "journal-damaged"

    def __init__(self, path: object, what: str) -> None:
        super().__init__(
            f"{path}: {what}. This manager could vote against what it acknowledged before, so it does not start. "
            "Check the disk, and leave this manager ended: the others go on. An older copy of its directory must not "
            "take its place while they run. To replace it: 'okube managers remove NAME', then 'okube managers add NAME'"
        )


class NotBootstrapped(OkubeError):
    """The directory holds no cluster: it was never bootstrapped, or is the wrong one."""

    kind = "not-bootstrapped"


class Removed(OkubeError):
    """This member was removed from the cluster and must stop; the others have agreed on it."""

    kind = "removed"

    def __init__(self, name: str, index: int | None = None) -> None:
        since = "" if index is None else f" (as of entry {index} of the log)"
        super().__init__(
            f"{name} is not a manager of its cluster any more: it was removed{since}, or its data was made anew. It "
            f"stops, and its folder is of no use: 'okube managers add {name}' makes a new one"
        )


class LeaderStays(Conflict):
    """The member that is to be removed leads; another one must lead first."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} leads; another manager must lead before it can be removed")


class ApplyFailed(Defect):
    """The state machine raised while it applied an entry; the same on every member, and logged there."""
