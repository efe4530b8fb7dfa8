"""The short way of a heartbeat: from a connection's bytes to the answer's, without a request of aiohttp's in between.

Agents send one each second, so what each costs decides how many agents a manager bears. The connection's certificate
says whose it is, as always. What is not plain, be it a header that is not known here, a body that comes in parts, a
heartbeat that changes the state, or one that is refused, goes the usual way, as if this were not there: so each error,
limit and metric has one place.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec
from aiohttp import hdrs

from okube.manager import intake
from okube.manager.core import ManagerCore
from okube.manager.gathering import Beat, Gatherer
from okube.manager.leader import Leader
from okube.model.errors import UNREADABLE
from okube.model.wire import Heartbeat
from okube.security import Identity

__all__ = ["ShortWay", "body_of"]

_log = logging.getLogger(__name__)
_ROUTE = "/v1/agents/{node}/heartbeat"
_END = b"\r\n\r\n"
_KNOWN = frozenset(
    name.lower().encode()
    for name in (hdrs.HOST, hdrs.CONTENT_TYPE, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.USER_AGENT, hdrs.CONTENT_LENGTH)
)
_MOST_HEAD = 2048
_beats = msgspec.msgpack.Decoder(Heartbeat)
_encoder = msgspec.msgpack.Encoder()


def body_of(data: bytes, first_line: bytes) -> bytes | None:
    """The body of a request that is all of ``data`` and has no header of which more would have to be known; else None.

    ``first_line`` ends with its line break.
    """
    if not data.startswith(first_line):
        return None
    end = data.find(_END, len(first_line), _MOST_HEAD)
    if end < 0:
        return None
    length = b""
    seen = set()
    for line in data[len(first_line) : end].split(b"\r\n"):
        name, colon, value = line.partition(b":")
        name = name.lower()
        if not colon or name not in _KNOWN or name in seen:
            return None
        seen.add(name)
        if name == b"content-length":
            length = value.strip()
    if not length.isdigit() or len(length) > 9 or int(length) != len(data) - end - len(_END):
        return None
    return data[end + len(_END) :]


class ShortWay:
    """Of one manager, for all connections.

    Args:
        core: the manager.
        leader: the leader's loops, while they run here.
        gatherer: brings heartbeats to the leader, where that is another manager.
    """

    def __init__(self, core: ManagerCore, leader: Callable[[], Leader | None], gatherer: Gatherer) -> None:
        self._core = core
        self._leader = leader
        self._gatherer = gatherer

    def first_line(self, identity: Identity | None) -> bytes | None:
        """How a heartbeat begins that an agent sends, one of this cluster; None for everybody else."""
        if identity is None or identity.role != "worker" or identity.cluster_id != self._core.settings.cluster_id:
            return None
        return f"POST /v1/agents/{identity.name}/heartbeat HTTP/1.1\r\n".encode()

    def answer(self, identity: Identity, data: bytes) -> "bytes | asyncio.Future[bytes | None] | None":
        """The answer to a heartbeat, now or later; None, now or later, where it has to go the usual way."""
        if identity.instance in self._core.tables.settings.barred:
            return None
        try:
            said = _beats.decode(data)
        except UNREADABLE:
            return None
        if said.node != identity.name or (identity.instance and said.instance != identity.instance):
            return None
        if not self._core.leads:
            return self._gatherer.add(Beat(identity.instance, data, said))
        leader = self._leader()
        answer = None if leader is None else intake.at_once(self._core, leader, said)
        return None if answer is None else _encoder.encode(answer)

    def count(self, took_s: float) -> None:
        """One was answered."""
        answers, seconds = self._core.metrics.answers_of(_ROUTE, "POST", 200)
        answers.inc()
        seconds.observe(took_s)
