"""What a manager asks of another one about agents: a seam, and its form over HTTPS."""

import io
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import aiohttp
import msgspec

from okube.manager.gathering import Beat
from okube.manager.tlssession import TlsSession
from okube.model.authority import Authorities
from okube.model.errors import UNREADABLE, NotFound, Unreachable
from okube.model.node import Node
from okube.model.wire import (
    Assignment,
    AssignmentAnswer,
    CertificateAnswer,
    CertificateQuestion,
    ExpiredQuestion,
    Papers,
    ReachAnswer,
    ReachQuestion,
    RelayQuestion,
)
from okube.raft import Member
from okube.seams.plainly import plainly
from okube.security import anonymous_context, server_name

__all__ = ["HttpPeerCalls", "PeerCalls"]

T = TypeVar("T")


class _Brought(msgspec.Struct, frozen=True, array_like=True):
    """A ``BeatsAnswer`` whose answers go to the agents as they are."""

    answers: list[msgspec.Raw]


_encoder = msgspec.msgpack.Encoder()
_reached = msgspec.msgpack.Decoder(ReachAnswer)
_certified = msgspec.msgpack.Decoder(CertificateAnswer)
_relayed = msgspec.msgpack.Decoder(AssignmentAnswer)
_brought = msgspec.msgpack.Decoder(_Brought)
_CONNECT_TIMEOUT_S = 0.3
_REACH_TIMEOUT_S = 1.2
_BEATS_TIMEOUT_S = 2.0
_NIL = b"\xc0"
_RELAY_TIMEOUT_S = 5.0
_CERTIFICATE_TIMEOUT_S = 5.0


class PeerCalls(Protocol):
    """Calls to another manager. Each raises Unreachable where that one does not answer in time."""

    async def reach(self, peer: Member, nodes: Sequence[Node]) -> dict[str, bool]:
        """Which of these nodes the other manager reaches, by name; it leaves out those that it does not know."""

    async def relay(self, peer: Member, node: Node, assignment: Assignment) -> AssignmentAnswer:
        """Tell a node what it should hold, by way of the other manager."""


class HttpPeerCalls(TlsSession):
    """The real form: mutual TLS, the other manager's name checked against its certificate."""

    def __init__(self, cluster_id: str, tls: ssl.SSLContext) -> None:
        super().__init__(tls)
        self._cluster_id = cluster_id

    async def reach(self, peer: Member, nodes: Sequence[Node]) -> dict[str, bool]:
        """POST /v1/peers/reach."""
        question = ReachQuestion(tuple(node.name for node in nodes), tuple(node.id for node in nodes))
        answer = _decode(_reached, await self._post(peer, "reach", question, _REACH_TIMEOUT_S), peer)
        return dict(zip(answer.nodes, answer.reached, strict=False))

    async def heartbeats(self, peer: Member, beats: Sequence[Beat]) -> list[bytes | None]:
        """POST /v1/peers/heartbeats: see ``okube.manager.gathering.Bring``."""
        question = ([beat.instance for beat in beats], [msgspec.Raw(beat.data) for beat in beats])
        data = await self._post(peer, "heartbeats", question, _BEATS_TIMEOUT_S)
        return [None if bytes(each) == _NIL else bytes(each) for each in _decode(_brought, data, peer).answers]

    async def relay(self, peer: Member, node: Node, assignment: Assignment) -> AssignmentAnswer:
        """POST /v1/peers/relay."""
        data = await self._post(peer, "relay", RelayQuestion(node.address, assignment), _RELAY_TIMEOUT_S)
        return _decode(_relayed, data, peer)

    async def certificate(self, peer: Member, question: CertificateQuestion) -> CertificateAnswer:
        """POST /v1/peers/certificate."""
        return _decode(_certified, await self._post(peer, "certificate", question, _CERTIFICATE_TIMEOUT_S), peer)

    async def expired(self, peer: Member, question: ExpiredQuestion, ca: Path) -> CertificateAnswer:
        """POST /v1/renew, without a certificate; the other manager's is to be of that CA."""
        try:
            async with self._open().post(
                f"https://{peer.api_address}/v1/renew",
                data=_encoder.encode(question),
                headers={"Content-Type": "application/msgpack"},
                timeout=aiohttp.ClientTimeout(total=_CERTIFICATE_TIMEOUT_S, sock_connect=_CONNECT_TIMEOUT_S),
                ssl=anonymous_context(ca),
                server_hostname=server_name(peer.name, "manager", self._cluster_id),
            ) as response:
                body = await response.read()
                if response.status != 200:
                    raise Unreachable(f"manager {peer.name} answered {response.status}: {_detail(body)}")
                return _decode(_certified, body, peer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"manager {peer.name} does not answer: {plainly(error)}") from error

    async def hand_in(self, peer: Member, authorities: Authorities) -> None:
        """POST /v1/peers/authorities."""
        await self._post(peer, "authorities", authorities, _CERTIFICATE_TIMEOUT_S)

    async def tell_papers(self, peer: Member, papers: Papers) -> None:
        """POST /v1/peers/papers."""
        await self._post(peer, "papers", papers, _REACH_TIMEOUT_S)

    async def _post(self, peer: Member, what: str, question: object, timeout_s: float) -> bytes:
        try:
            async with self._open().post(
                f"https://{peer.api_address}/v1/peers/{what}",
                data=io.BytesIO(_encoder.encode(question)),  # aiohttp sends a large one in pieces only from a file
                headers={"Content-Type": "application/msgpack"},
                timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_TIMEOUT_S),
                server_hostname=server_name(peer.name, "manager", self._cluster_id),
            ) as response:
                body = await response.read()
                if response.status == 404:
                    raise NotFound(f"manager {peer.name} is of a version that does not know {what}")
                if response.status != 200:
                    raise Unreachable(
                        f"manager {peer.name} answered {response.status} when asked for {what}: {_detail(body)}"
                    )
                return body
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"manager {peer.name} does not answer: {plainly(error)}") from error


def _detail(body: bytes) -> str:
    """The sentence in a problem document, or the start of whatever it is."""
    try:
        return str(msgspec.json.decode(body)["detail"])[:500]
    except (*UNREADABLE, LookupError, TypeError):
        return body[:200].decode(errors="replace")


def _decode(decoder: msgspec.msgpack.Decoder[T], data: bytes, peer: Member) -> T:
    try:
        return decoder.decode(data)
    except UNREADABLE as error:
        raise Unreachable(f"manager {peer.name} answered something else than was asked: {error}") from error
