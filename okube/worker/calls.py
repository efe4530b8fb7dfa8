"""What an agent asks of managers: any of them will do, and the one that answered last is asked first."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol, TypeVar

import aiohttp
import msgspec

from okube.model.errors import UNREADABLE, Unreachable
from okube.model.mounts import MountKind
from okube.model.wire import (
    CertificateAnswer,
    CertificateQuestion,
    ExpiredQuestion,
    Heartbeat,
    HeartbeatAnswer,
    Registration,
    RegistrationAnswer,
)
from okube.seams.connector import Connector
from okube.seams.plainly import plainly
from okube.security import ANY_MANAGER, anonymous_context, identity_of
from okube.worker.line import CONNECT_TIMEOUT_S, TOTAL_TIMEOUT_S, Line, NoAnswer

__all__ = ["HttpManagerCalls", "ManagerCalls", "ManagerList", "NoAnswer", "first_answer", "normal_address"]

logger = logging.getLogger(__name__)
T = TypeVar("T")

MSGPACK = "application/msgpack"
_MSGPACK_BOTH = {"Content-Type": MSGPACK, "Accept": MSGPACK}
PATIENCE_S = 1.0  # how long one manager is waited for before the next is asked beside it
_PROBLEM_LIMIT = 2000


class ManagerCalls(Protocol):
    """The calls of an agent to whichever manager answers."""

    async def register(self, registration: Registration) -> RegistrationAnswer:
        """Say who the agent is; raises Unreachable when no manager gives an answer."""

    async def heartbeat(self, heartbeat: Heartbeat) -> HeartbeatAnswer:
        """Give a sign of life; raises Unreachable when no manager gives an answer."""

    async def value(self, kind: MountKind, name: str, version: int) -> bytes:
        """The value of a secret or config that a task here is given; raises Unreachable when no manager gives it."""

    def learn(self, managers: Sequence[str]) -> None:
        """Managers are at these addresses now, says one of them."""


class ManagerList:
    """Where managers are: those of the settings for ever, and those that an answer named last.

    The first is the one to ask first: the one that answered last. The others come in an order of ``asker``'s own, so
    that many agents spread over all managers, and over those that are left when one is lost.
    """

    def __init__(self, configured: Iterable[str], asker: str = "") -> None:
        self._asker = asker
        self._configured = self._own_order(configured)
        self._learned: tuple[str, ...] = ()
        self._favourite: str | None = None
        self._all = list(self._configured)

    def learn(self, managers: Iterable[str]) -> None:
        """Replace what was learned before; an empty list teaches nothing."""
        learned = self._own_order(managers)
        if learned and learned != self._learned:
            self._learned = learned
            self._all = list(dict.fromkeys((*self._learned, *self._configured)))

    def prefer(self, address: str) -> None:
        """This one answered."""
        self._favourite = address

    def in_order(self) -> list[str]:
        """All of them, the best first: the favourite, those that were named last, the rest."""
        if self._favourite in self._all:
            return [self._favourite, *(address for address in self._all if address != self._favourite)]
        return list(self._all)

    def _own_order(self, addresses: Iterable[str]) -> tuple[str, ...]:
        """As given, without an asker; else by rendezvous hashing, in which the loss of one moves nobody else."""
        known = dict.fromkeys(normal_address(address) for address in addresses)
        if not self._asker:
            return tuple(known)
        return tuple(sorted(known, key=lambda address: blake2b(f"{self._asker} {address}".encode()).digest()))


class HttpManagerCalls:
    """The calls over HTTPS with the agent's certificate; bodies are msgpack.

    Args:
        node: the agent's name.
        managers: addresses (``host:port``) that are always tried.
        context: shows the agent's certificate, trusts the cluster's CA.
        left: instances of managers that are none any more; nothing is said to them, and nothing believed.
        source: the address of this machine to call from; any unless given.
    """

    def __init__(
        self,
        *,
        node: str,
        managers: Iterable[str],
        context: ssl.SSLContext,
        left: Callable[[], Collection[str]] = frozenset,
        source: str | None = None,
    ) -> None:
        self._node = node
        self._source = source
        self._managers = ManagerList(managers, node)
        self._context = context
        self._left = left
        self._session: aiohttp.ClientSession | None = None
        self._lines: dict[str, Line] = {}

    async def register(self, registration: Registration) -> RegistrationAnswer:
        """Say who the agent is; raises Unreachable when no manager gives an answer."""
        return await self._ask("register", registration, RegistrationAnswer, self._say)

    async def heartbeat(self, heartbeat: Heartbeat) -> HeartbeatAnswer:
        """Give a sign of life; raises Unreachable when no manager gives an answer."""
        return await self._ask("heartbeat", heartbeat, HeartbeatAnswer, self._say)

    async def certificate(self, request: bytes) -> CertificateAnswer:
        """Have a certificate request signed; raises Unreachable when no manager gives an answer."""
        return await self._ask("certificate", CertificateQuestion(request), CertificateAnswer, self._post)

    async def value(self, kind: MountKind, name: str, version: int) -> bytes:
        """The value of a secret or config that a task here is given; raises Unreachable when no manager gives it."""

        def asking(address: str) -> Callable[[], Awaitable[bytes]]:
            return lambda: self._get(address, f"{kind}s/{name}/{version}")

        return await first_answer([asking(address) for address in self._managers.in_order()], PATIENCE_S)

    async def expired(self, question: ExpiredQuestion, ca: Path) -> CertificateAnswer:
        """Ask by way of a connection without a certificate, of managers of that CA; raises Unreachable, BadFile."""
        body, context = msgspec.msgpack.encode(question), anonymous_context(ca)

        async def ask(address: str) -> CertificateAnswer:
            data = await self._answer("POST", f"https://{address}/v1/renew", body, _MSGPACK_BOTH, context)
            return _decoded(data, CertificateAnswer, address)

        return await first_answer([partial(ask, address) for address in self._managers.in_order()], PATIENCE_S)

    def learn(self, managers: Sequence[str]) -> None:
        """Managers are at these addresses now, says one of them."""
        self._managers.learn(managers)

    async def close(self) -> None:
        """Close all connections."""
        for line in self._lines.values():
            line.close()
        self._lines.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(
        self,
        what: str,
        question: msgspec.Struct,
        kind: type[T],
        ask: Callable[[str, str, bytes, type[T]], Awaitable[T]],
    ) -> T:
        body = msgspec.msgpack.encode(question)

        def asking(address: str) -> Callable[[], Awaitable[T]]:
            return lambda: ask(address, what, body, kind)

        return await first_answer([asking(address) for address in self._managers.in_order()], PATIENCE_S)

    async def _get(self, address: str, what: str) -> bytes:
        data = await self._answer("GET", self._url(address, what), None, {}, self._context)
        self._managers.prefer(address)
        return data

    async def _say(self, address: str, what: str, body: bytes, kind: type[T]) -> T:
        """What is said again and again, on a connection that is kept."""
        line = self._lines.get(address)
        if line is None:
            for gone in self._lines.keys() - set(self._managers.in_order()):
                self._lines.pop(gone).close()
            line = self._lines[address] = Line(address, self._context, self._objection, self._source)
        status, data = await line.post(f"/v1/agents/{self._node}/{what}", body, MSGPACK)
        if status != 200:
            raise NoAnswer(f"{address} answered {status}: {_detail(data)}")
        answer = _decoded(data, kind, address)
        self._managers.prefer(address)
        return answer

    async def _post(self, address: str, what: str, body: bytes, kind: type[T]) -> T:
        data = await self._answer("POST", self._url(address, what), body, _MSGPACK_BOTH, self._context)
        answer = _decoded(data, kind, address)
        self._managers.prefer(address)
        return answer

    def _url(self, address: str, what: str) -> str:
        return f"https://{address}/v1/agents/{self._node}/{what}"

    async def _answer(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], context: ssl.SSLContext
    ) -> bytes:
        address = url.split("/")[2]
        try:
            async with self._open().request(
                method, url, data=body, headers=headers, ssl=context, server_hostname=ANY_MANAGER
            ) as response:
                data = await response.read()
        except TimeoutError as error:
            raise NoAnswer(f"{address} did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswer(f"{address}: {plainly(error)}") from error
        if response.status != 200:
            raise NoAnswer(f"{address} answered {response.status}: {_detail(data)}")
        return data

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TOTAL_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
            local = None if self._source is None else (self._source, 0)
            connector = Connector(judge=self._objection, local_addr=local)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._session

    def _objection(self, peercert: Mapping[str, Any] | None) -> str | None:
        found = identity_of(peercert)
        if found is None or not found.instance or found.instance not in self._left():
            return None
        return f"manager {found.name} ({found.instance}) was removed from the cluster"


async def first_answer(attempts: Sequence[Callable[[], Awaitable[T]]], patience_s: float) -> T:
    """The first answer of several who may be asked.

    The next is asked when the one before has failed, or beside it when it has been silent for ``patience_s``; those who
    are still silent when an answer comes are left.

    Raises:
        Unreachable: none gave an answer; the sentence says how each failed.
    """
    waiting: list[Callable[[], Awaitable[T]]] = list(attempts)
    asked: list[asyncio.Future[T]] = []
    failures: list[str] = []
    try:
        while waiting or asked:
            if waiting:
                asked.append(asyncio.ensure_future(waiting.pop(0)()))
            timeout = patience_s if waiting else None
            done, _ = await asyncio.wait(asked, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in asked if task in done]:
                try:
                    return task.result()
                except NoAnswer as failure:
                    # Only now: one that fails in the instant in which another answers is looked at below.
                    asked.remove(task)
                    failures.append(str(failure))
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    raise Unreachable(f"no manager answers: {'; '.join(failures) or 'none is known'}")


def _decoded(data: bytes, kind: type[T], address: str) -> T:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except UNREADABLE as error:
        raise NoAnswer(f"{address} answered something else than was asked: {error}") from error


def normal_address(address: str) -> str:
    """``host:port`` of an address that may be a URL."""
    return address.removeprefix("https://").rstrip("/")


def _detail(data: bytes) -> str:
    """The sentence in a problem document, or the start of whatever it is."""
    try:
        problem = msgspec.json.decode(data[: 1 << 20])
    except UNREADABLE:
        return data[:_PROBLEM_LIMIT].decode(errors="replace")
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return str(detail if detail is not None else problem)[:_PROBLEM_LIMIT]
