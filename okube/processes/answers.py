"""Whether a process answers: `/healthz` over TLS, asked with the process's own certificate."""

import http.client
import socket
from contextlib import closing

from okube.model.errors import OkubeError
from okube.security import ProcessFiles, Role, client_context, server_name

__all__ = ["answers"]

_TIMEOUT_S = 2.0


def answers(files: ProcessFiles, *, host: str, port: int, name: str, role: Role, cluster_id: str) -> bool:
    """Whether the manager or worker at this address is the one of ``files`` and is alive.

    A worker tells its health to managers alone: that it refuses us is a sign of life too.
    """
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_S) as plain:
            context = client_context(files.tls.root)
            with context.wrap_socket(plain, server_hostname=server_name(name, role, cluster_id)) as secure:
                return _is_alive(secure, host, port)
    except (OSError, http.client.HTTPException, OkubeError):
        return False


def _is_alive(secure: socket.socket, host: str, port: int) -> bool:
    with closing(http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)) as connection:
        connection.sock = secure
        connection.request("GET", "/healthz")
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
