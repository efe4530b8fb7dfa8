"""One engine's API: the SDK in threads for calls, and the loop itself for streams.

Calls go through the Docker SDK in a bounded pool. Streams (events, logs, pulls) may last for days and be many; on the
loop each costs a socket instead of a thread, and ends the moment its reader is cancelled.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import requests.exceptions
from docker import APIClient
from docker.errors import APIError, DockerException

from okube.seams.plainly import plainly
from okube.worker.runtime.base import RuntimeUnavailable
from okube.worker.runtime.docker.hijack import hijack
from okube.worker.runtime.docker.transport import connect, is_too_old
from okube.worker.runtime.threads import Threads

__all__ = ["EngineClient", "message_of"]

log = logging.getLogger(__name__)
T = TypeVar("T")


class EngineClient:
    """The connection to the engine at ``base_url`` (``unix://…`` or ``tcp://…``); made anew after each break."""

    def __init__(self, base_url: str, *, threads: int, timeout_s: float) -> None:
        self.base_url = base_url
        self._timeout_s = timeout_s
        self._threads = Threads(threads, "docker")
        self._lock = threading.Lock()
        self._sdk: APIClient | None = None
        self._session: aiohttp.ClientSession | None = None

    async def call(self, function: Callable[[APIClient], T]) -> T:
        """What ``function`` makes of the SDK's client, in a thread.

        Raises:
            APIError: the engine refused.
            RuntimeUnavailable: it does not answer.
        """
        return await self._threads.run(self._call, function)

    async def ask(self, function: Callable[[APIClient], T]) -> T:
        """As `call`, for a question that the engine has no reason to refuse.

        Raises:
            RuntimeUnavailable: it does not answer, or refuses all the same.
        """
        try:
            return await self.call(function)
        except APIError as error:
            raise RuntimeUnavailable(
                f"the Docker Engine at {self.base_url} has trouble of its own: {error.explanation}; see its log"
            ) from error

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Something else that blocks, in one of the same threads."""
        return await self._threads.run(function)

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, params: dict[str, str], *, quiet_s: float | None = None, auth: str = ""
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that is read as it comes, refusals included; with ``quiet_s``, silence for so long is a break.

        Raises:
            RuntimeUnavailable: the engine does not answer, or breaks off while it is read.
        """
        version = await self.call(lambda sdk: sdk.api_version)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._timeout_s, sock_read=quiet_s)
        headers = {"X-Registry-Auth": auth} if auth else {}
        try:
            async with self._streams().request(
                method, f"/v{version}{path}", params=params, headers=headers, timeout=timeout
            ) as response:
                yield response
        except (aiohttp.ClientError, OSError) as error:
            raise self._unavailable(error) from error

    async def ping(self, patience_s: float) -> None:
        """A sign of life, asked for on the loop; raises RuntimeUnavailable where none comes in time."""
        timeout = aiohttp.ClientTimeout(total=patience_s)
        try:
            async with self._streams().get("/_ping", timeout=timeout) as response:
                await response.read()
                response.raise_for_status()
        except TimeoutError as error:
            raise RuntimeUnavailable(
                f"the Docker Engine at {self.base_url} hangs: no sign of life within {patience_s:.0f} s"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._unavailable(error) from error

    async def hijack(self, path: str, body: dict[str, Any]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A POST after which the connection is ours, bytes both ways; the caller closes the writer.

        Raises:
            RuntimeUnavailable: the engine does not answer, or refuses.
        """
        version = await self.call(lambda sdk: sdk.api_version)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await hijack(self.base_url, f"/v{version}{path}", body)
        except (OSError, EOFError, ValueError) as error:
            raise self._unavailable(error) from error

    async def close(self) -> None:
        """Let go of threads and sockets."""
        if self._session is not None:
            await self._session.close()
        await self._threads.close()
        self._drop()

    def _call(self, function: Callable[[APIClient], T]) -> T:
        try:
            return function(self._connected())
        except APIError as error:
            if "client version" in str(error.explanation):  # the engine was exchanged for one of another age
                self._drop()
                raise self._unavailable(error) from error
            raise
        except (DockerException, requests.exceptions.RequestException, OSError) as error:
            self._drop()
            raise self._unavailable(error) from error

    def _connected(self) -> APIClient:
        sdk = self._sdk
        if sdk is not None:
            return sdk
        sdk = connect(self.base_url, timeout_s=self._timeout_s)
        if is_too_old(sdk):
            sdk.close()
            raise RuntimeUnavailable(
                f"the Docker Engine at {self.base_url} speaks API {sdk.api_version}, which is too old; "
                "Okube needs Docker 20.10 or later"
            )
        return self._keep(sdk)

    def _keep(self, sdk: APIClient) -> APIClient:
        """``sdk`` for the calls to come, unless another thread was faster."""
        with self._lock:
            kept = self._sdk
            if kept is None:
                self._sdk = sdk
                log.info("Docker Engine at %s answers, API %s", self.base_url, sdk.api_version)
                return sdk
        sdk.close()
        return kept

    def _drop(self) -> None:
        with self._lock:
            sdk, self._sdk = self._sdk, None
        if sdk is not None:
            sdk.close()

    def _streams(self) -> aiohttp.ClientSession:
        if self._session is None:
            scheme, _, rest = self.base_url.partition("://")
            connector: aiohttp.BaseConnector
            if scheme == "unix":
                connector, base = aiohttp.UnixConnector(path=rest, limit=0, force_close=True), "http://docker"
            else:
                connector, base = aiohttp.TCPConnector(limit=0, force_close=True), f"http://{rest}"
            self._session = aiohttp.ClientSession(base, connector=connector, read_bufsize=1 << 20)
        return self._session

    def _unavailable(self, error: Exception) -> RuntimeUnavailable:
        return RuntimeUnavailable(
            f"the Docker Engine at {self.base_url} does not answer ({_short(error)}); "
            "see on this node whether it runs: systemctl status docker"
        )


async def message_of(response: aiohttp.ClientResponse) -> str:
    """The engine's sentence in a refusal."""
    text = await response.text()
    try:
        data: Any = await response.json(content_type=None)
    except ValueError:
        return text.strip()
    return str(data.get("message", text)) if isinstance(data, dict) else text.strip()


def _short(error: Exception) -> str:
    text = plainly(error)
    return text if len(text) <= 200 else text[:200] + "…"
