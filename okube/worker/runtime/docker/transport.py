"""A client of the SDK over a Unix socket that leaks no socket when nobody answers and reuses its connections.

The SDK's own adapter leaves the socket of a failed connection to the garbage collector, and keeps a pool for each URL,
so that hardly any connection serves a second call.
"""

import socket

from docker import APIClient
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.errors import DockerException
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool

__all__ = ["OLDEST_API", "connect", "is_too_old"]

OLDEST_API = "1.41"  # Docker 20.10
_POOL = "the engine"


def connect(base_url: str, *, timeout_s: float) -> APIClient:
    """A client that speaks the newest API version which the engine and the SDK share; the caller closes it.

    Raises:
        DockerException, requests.exceptions.RequestException: nobody answers.
    """
    with _client(base_url, OLDEST_API, timeout_s) as probe:
        answer = probe.version(api_version=False)
    theirs = answer.get("ApiVersion") if isinstance(answer, dict) else None
    if not isinstance(theirs, str):
        raise DockerException("what answers there is no Docker Engine")
    return _client(base_url, min(theirs, DEFAULT_DOCKER_API_VERSION, key=_order), timeout_s)


def is_too_old(sdk: APIClient) -> bool:
    """Whether the engine speaks nothing that Okube does."""
    return _order(sdk.api_version) < _order(OLDEST_API)


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _client(base_url: str, version: str, timeout_s: float) -> APIClient:
    sdk = APIClient(base_url=base_url, version=version, timeout=int(timeout_s))
    if base_url.startswith("unix://"):
        sdk.mount("http+docker://", _Adapter("http+" + base_url, int(timeout_s)))
    return sdk


class _Adapter(UnixHTTPAdapter):
    def get_connection(self, url: bytes | str, proxies: object = None) -> UnixHTTPConnectionPool:
        with self.pools.lock:
            pool: UnixHTTPConnectionPool | None = self.pools.get(_POOL)
            if pool is None:
                pool = self.pools[_POOL] = _Pool(self.socket_path, self.timeout)
        return pool


class _Pool(UnixHTTPConnectionPool):
    def __init__(self, socket_path: str, timeout_s: int) -> None:
        super().__init__("http+docker://engine", socket_path, timeout_s)
        self._timeout_s = timeout_s

    def _new_conn(self) -> UnixHTTPConnection:  # type: ignore[override]  # the SDK's stubs narrow two attributes
        return _Connection(self.base_url, self.socket_path, self._timeout_s)


class _Connection(UnixHTTPConnection):
    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(self.timeout)
            sock.connect(self.unix_socket)
        except BaseException:
            sock.close()
            raise
        self.sock = sock
