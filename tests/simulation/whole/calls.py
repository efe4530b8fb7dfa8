"""Requests and answers between processes: bytes with delay, over links that are cut, and with answers that get lost."""

import asyncio
import contextvars
import random
from collections.abc import Awaitable, Callable

import msgspec

from okube.model.errors import NoQuorum, OkubeError, error_of_kind
from tests.simulation.loop import Process

__all__ = ["CallNetwork", "Endpoint", "Silence"]

Handler = Callable[[str, bytes], Awaitable[bytes]]
_Trouble = tuple[str, str, tuple[tuple[str, str], ...]]
_troubles = msgspec.msgpack.Decoder(_Trouble)


class Silence(Exception):
    """No answer came. ``refused``: nobody listens there, so nothing was done."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class Endpoint:
    """A process that answers. ``hears_hang_up``: a request whose caller has gone is given up."""

    def __init__(self, name: str, process: Process, handler: Handler, *, hears_hang_up: bool) -> None:
        self.name = name
        self.process = process
        self.handler = handler
        self.hears_hang_up = hears_hang_up
        self.exchanges: dict[_Exchange, None] = {}


class CallNetwork:
    """Carries calls between endpoints by name. ``is_cut`` tells of links that somebody else cuts."""

    def __init__(self, rng: random.Random, is_cut: Callable[[str, str], bool]) -> None:
        self.rng = rng
        self.delay_s = (0.0002, 0.002)
        self.lost_answers = 0.0  # how likely an answer is lost
        self.lost_calls = 0  # requests and answers
        self.off: dict[str, None] = {}  # machines without power
        self.mute: dict[str, None] = {}  # they answer, and nothing that they begin themselves gets out
        self._is_cut = is_cut
        self._cuts: dict[tuple[str, str], int] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._context = contextvars.copy_context()

    def attach(self, endpoint: Endpoint) -> None:
        """A process listens."""
        self._endpoints[endpoint.name] = endpoint

    def detach(self, name: str) -> None:
        """It does not any more; who waits for its answer is told, unless its whole machine is gone."""
        endpoint = self._endpoints.pop(name, None)
        if endpoint is not None:
            for exchange in endpoint.exchanges:
                exchange.break_off()

    def cut(self, sender: str, receiver: str) -> None:
        """Nothing gets from one to the other; as often as it is cut it must be healed."""
        self._cuts[sender, receiver] = self._cuts.get((sender, receiver), 0) + 1

    def heal(self, sender: str, receiver: str) -> None:
        """Undo one cut."""
        left = self._cuts.get((sender, receiver), 0) - 1
        if left > 0:
            self._cuts[sender, receiver] = left
        else:
            self._cuts.pop((sender, receiver), None)

    def heal_all(self) -> None:
        """Everybody reaches everybody, and all answers arrive."""
        self._cuts.clear()
        self.mute.clear()
        self.lost_answers = 0.0

    def passes(self, sender: str, receiver: str) -> bool:
        """Whether something sent now would get through."""
        return not (
            (sender, receiver) in self._cuts
            or sender in self.off
            or receiver in self.off
            or self._is_cut(sender, receiver)
        )

    def endpoint(self, name: str) -> Endpoint | None:
        """Who listens under a name."""
        return self._endpoints.get(name)

    def soon(self, what: Callable[[], None]) -> None:
        """After the time that a packet takes, as a part of no process."""
        asyncio.get_running_loop().call_later(self.rng.uniform(*self.delay_s), what, context=self._context)

    async def call(self, sender: str, receiver: str, what: str, body: bytes, *, timeout_s: float) -> bytes:
        """Ask, and wait for the answer.

        Raises:
            Silence: none came in time, or the connection broke.
            OkubeError: what the other side raised.
        """
        exchange = _Exchange(self, sender, receiver, what, body)
        try:
            async with asyncio.timeout(timeout_s):
                return await exchange.answer
        except TimeoutError:
            raise Silence(f"{receiver} did not answer in time") from None
        finally:
            exchange.hang_up()


class _Exchange:
    """One request on its way, being served, and its answer on the way back."""

    def __init__(self, network: CallNetwork, sender: str, receiver: str, what: str, body: bytes) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._network = network
        self._sender, self._receiver = sender, receiver
        self._what, self._body = what, body
        self._context = contextvars.copy_context()  # of the caller: it gets nothing while it is paused, or dead
        self._serving: asyncio.Task[None] | None = None
        self._hung_up = False
        self._endpoint: Endpoint | None = None
        network.soon(self._arrive)

    def hang_up(self) -> None:
        """The caller waits no longer; the other side learns of it, if it can."""
        self._hung_up = True
        if not self.answer.done() or self.answer.cancelled():
            self._network.soon(self._hear_hang_up)

    def break_off(self) -> None:
        """The process that serves it died."""
        self._network.soon(lambda: self._resolve(None, Silence(f"{self._receiver} broke the connection")))

    def _hear_hang_up(self) -> None:
        if self._serving is None or self._endpoint is None or not self._endpoint.hears_hang_up:
            return
        if self._network.passes(self._sender, self._receiver):
            self._serving.cancel()

    def _arrive(self) -> None:
        if not self._network.passes(self._sender, self._receiver) or self._sender in self._network.mute:
            self._network.lost_calls += 1
            return
        self._endpoint = self._network.endpoint(self._receiver)
        if self._endpoint is None:
            refusal = Silence(f"{self._receiver} refuses the connection", refused=True)
            self._network.soon(lambda: self._resolve(None, refusal))
            return
        self._endpoint.exchanges[self] = None
        # A timer of the process: it waits while the process is paused, and never fires when it is dead.
        loop = asyncio.get_running_loop()
        loop.call_at(loop.time(), self._begin, context=self._endpoint.process.context())

    def _begin(self) -> None:
        assert self._endpoint is not None
        if not self._hung_up or not self._endpoint.hears_hang_up:
            self._serving = self._endpoint.process.start(self._serve(self._endpoint))

    async def _serve(self, endpoint: Endpoint) -> None:
        answer: bytes | OkubeError
        try:
            answer = await endpoint.handler(self._what, self._body)
        except OkubeError as error:
            errors = tuple((e.path, e.message) for e in error.errors)
            kind = NoQuorum.kind if isinstance(error, NoQuorum) else error.kind  # as its HTTP status would say
            trouble = msgspec.msgpack.encode((kind, error.detail, errors))
            answer = _rebuilt(trouble)
        finally:
            endpoint.exchanges.pop(self, None)
        self._network.soon(lambda: self._answered(answer))

    def _answered(self, answer: bytes | OkubeError) -> None:
        if self._network.rng.random() < self._network.lost_answers:
            self._network.lost_calls += 1
            return
        if isinstance(answer, OkubeError):
            self._resolve(None, answer)
        else:
            self._resolve(answer, None)

    def _resolve(self, answer: bytes | None, error: Exception | None) -> None:
        if self._network.passes(self._receiver, self._sender):
            loop = asyncio.get_running_loop()
            loop.call_at(loop.time(), self._take, answer, error, context=self._context)

    def _take(self, answer: bytes | None, error: Exception | None) -> None:
        if self.answer.done():
            return
        if error is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(answer or b"")


def _rebuilt(trouble: bytes) -> OkubeError:
    kind, detail, errors = _troubles.decode(trouble)
    return error_of_kind(kind, detail, errors)
