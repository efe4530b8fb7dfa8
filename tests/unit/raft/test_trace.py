from collections.abc import Iterable
from pathlib import Path

from okube.raft.frames import Append, Appended, Body, PreVoteGranted, VoteGranted, VoteRequest, encode_frame
from okube.raft.trace import TracedTransport
from okube.seams.transport import Peer, PeerHandler


class Noting:
    """A transport that notes what was traced when it was asked to send."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace
        self.before: list[str] = []

    def bind(self, handler: PeerHandler) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def set_peers(self, peers: Iterable[Peer]) -> None: ...
    def set_card(self, card: bytes) -> None: ...
    def drop(self, peer: str) -> None: ...

    def send(self, peer: str, frame: bytes) -> None:
        self.before.append(self.trace.read_text().splitlines()[-1])


def test_each_frame_has_its_line_before_it_leaves(tmp_path: Path) -> None:
    inner = Noting(tmp_path / "trace")
    transport = TracedTransport(inner, "m1", tmp_path / "trace")
    said: list[Body] = [
        Append(4, 1, 3, [(1, b"x"), (1, b"y")]),
        Appended(7, True, False),
        Appended(7, False, True),
        VoteRequest(9, 2),
        VoteGranted(),
        PreVoteGranted(3),
    ]
    for body in said:
        transport.send("m2", encode_frame("m1", "i1", 2, body))
    assert inner.before == [
        "m1 -> m2 Append term=2 index=6",
        "m1 -> m2 Appended term=2 index=6",
        "m1 -> m2 Appended term=2",
        "m1 -> m2 VoteRequest term=2 index=9",
        "m1 -> m2 VoteGranted term=2",
        "m1 -> m2 PreVoteGranted term=2",
    ]
