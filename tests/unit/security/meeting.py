"""Two parties meet over a real TCP socket: one serves, one calls, and each tells what came of it."""

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from okube.security import Identity, identity_of

_PATIENCE_S = 10


@dataclass(frozen=True)
class Meeting:
    """What each side saw: the caller the answer, the server who called; or the error that ended it."""

    answer: bytes | Exception
    caller: Identity | Exception | None
    version: str | None = None


def meet(server: ssl.SSLContext, client: ssl.SSLContext, server_hostname: str) -> Meeting:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(_PATIENCE_S)
        serving = pool.submit(_serve, listener, server)
        answer, version = _call(listener.getsockname()[1], client, server_hostname)
        return Meeting(answer, serving.result(), version)


def _serve(listener: socket.socket, context: ssl.SSLContext) -> Identity | Exception | None:
    plain, _ = listener.accept()
    plain.settimeout(_PATIENCE_S)
    try:
        with context.wrap_socket(plain, server_side=True) as connection:
            connection.recv(5)
            connection.sendall(b"hello")
            return identity_of(connection.getpeercert())
    except OSError as error:
        return error
    finally:
        plain.close()


def _call(port: int, context: ssl.SSLContext, server_hostname: str) -> tuple[bytes | Exception, str | None]:
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=server_hostname) as connection:
                connection.sendall(b"hello")
                # In TLS 1.3 the server's refusal of a client comes after the handshake, with the first read.
                return connection.recv(5), connection.version()
        except OSError as error:
            return error, None
