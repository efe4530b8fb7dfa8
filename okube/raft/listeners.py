"""Who wants to be told of what happens at a member; they stay the same from one of its lives to the next."""

from collections.abc import Callable

from okube.raft.leadership import LeadershipListener

__all__ = ["Listeners"]


class Listeners:
    """Lists to add to; each is called in order, on the event loop, and must not raise."""

    def __init__(self) -> None:
        self.leadership: list[LeadershipListener] = []
        """With the term when this member may act as leader, with None when not."""
        self.applied: list[Callable[[int], None]] = []
        """With the index after entries up to it were applied, once for each turn of the loop."""
        self.synced: list[Callable[[float], None]] = []
        """With the seconds that a sync of the journal took."""
        self.resumed: list[Callable[[], None]] = []
        """When this leader tried in vain to hand over, and takes proposals again."""
        self.told: list[Callable[[], None]] = []
        """When a member says that it knows another command version than before."""
