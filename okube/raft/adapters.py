"""What pysyncobj is given in place of its own clock, nodes, transport and serializer."""

import asyncio
import zlib
from collections.abc import Callable
from typing import Any

from pysyncobj import syncobj
from pysyncobj.node import Node
from pysyncobj.transport import Transport

from okube.raft.journal import Journal

__all__ = ["NoSerializer", "Outlet", "PeerNode", "ShortLog", "loop_time"]


def loop_time() -> float:
    """The running loop's clock."""
    return asyncio.get_running_loop().time()


syncobj.monotonicTime = loop_time  # its only clock: timers must run on the loop's, which may be virtual
syncobj.PIPE_NOTIFIER_ENABLED = False  # it would leak two descriptors with each engine, and nothing polls them


class PeerNode(Node):  # type: ignore[misc]  # pysyncobj has no types
    """A member, by name. Its hash does not depend on the process: pysyncobj iterates over sets of nodes."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._hash = zlib.crc32(name.encode())

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PeerNode) and bool(self.id == other.id)


class Outlet(Transport):  # type: ignore[misc]
    """pysyncobj's way out. There is none in: frames come by ``Engine.receive``, and utility messages do not exist."""

    def __init__(self, outgoing: Callable[[str, dict[str, Any]], None]) -> None:
        super().__init__(None, None, [])
        self._outgoing = outgoing

    def send(self, node: PeerNode, message: dict[str, Any]) -> bool:
        """Pass a message on."""
        self._outgoing(node.id, message)
        return True


class NoSerializer:
    """Snapshots are ours; pysyncobj's serializer pickles, forks, and loses errors."""

    def cancelTransmisstion(self, _node: object) -> None:  # noqa: N802  pysyncobj's name
        """Nothing is under way."""

    def getTransmissionData(self, _node: object) -> None:  # noqa: N802
        """There is nothing to send."""


class ShortLog:
    """A view on the journal that ends early, for one message whose entries are all there already."""

    def __init__(self, journal: Journal, last_index: int) -> None:
        self._journal = journal
        self._length = last_index - journal.base_index + 1

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, slice):
            return self._journal[slice(*item.indices(self._length))]
        return self._journal[item + self._length if item < 0 else item]

    def setRaftCommitIndex(self, _index: int) -> None:  # noqa: N802
        """Not kept, as in the journal."""
