"""Which incarnations a cluster has had, as far as this machine and the agents that answer know.

A restore must begin with a higher one than any that an agent has heard of, or that agent obeys nobody. The same
snapshot may have been restored before, on another machine; so the agents are asked, as a manager would, with a
certificate that is made for this and thrown away.
"""

import contextlib
import http.client
import socket
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from okube.model.archive import SUFFIX, read_head
from okube.model.epoch import Epoch
from okube.model.errors import UNREADABLE, BadFile
from okube.model.node import Node
from okube.security import ClusterFiles, Identity, TlsFiles, client_context, server_name
from okube.security.ca import Authority
from okube.security.issue import install
from okube.security.seed import read_seed

__all__ = ["incarnations_here", "incarnations_of_agents"]

_HEAD_BYTES = 1 << 16
_TIMEOUT_S = 1.0
_AT_ONCE = 64


class _Health(msgspec.Struct, frozen=True):
    epoch: str = ""


def incarnations_here(files: ClusterFiles, cluster_id: str) -> Iterator[int]:
    """Those of the cluster as it was made on this machine, and of the snapshots that its managers kept here."""
    for path in (files.seed, *files.data_dir.glob("replaced-*/cluster.json")):
        with contextlib.suppress(BadFile):
            seed = read_seed(path)
            if seed.cluster_id == cluster_id:
                yield seed.incarnation
    kept = files.data_dir.glob(f"*/snapshots/*{SUFFIX}")
    for path in (*kept, *files.data_dir.glob(f"replaced-*/*/snapshots/*{SUFFIX}")):
        with contextlib.suppress(OSError, BadFile), path.open("rb") as file:
            head = read_head(file.read(_HEAD_BYTES))
            if head.cluster_id == cluster_id:
                yield head.epoch.incarnation


def incarnations_of_agents(authority: Authority, cluster_id: str, nodes: Iterable[Node], *, now_ms: int) -> list[int]:
    """Those that agents obey; of one that does not answer within a second, nothing is known."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(_AT_ONCE) as threads:
        tls = TlsFiles(Path(folder))
        install(authority, Identity(cluster_id, "manager", "restore"), tls, now_ms=now_ms)
        context = client_context(tls.root)
        found = threads.map(lambda node: _asked(context, cluster_id, node), nodes)
        return [incarnation for incarnation in found if incarnation is not None]


def _asked(context: ssl.SSLContext, cluster_id: str, node: Node) -> int | None:
    host, _, port = node.address.rpartition(":")
    host = host.strip("[]")
    try:
        with (
            socket.create_connection((host, int(port)), timeout=_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=server_name(node.name, "worker", cluster_id)) as secure,
            contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=_TIMEOUT_S)) as connection,
        ):
            connection.sock = secure
            connection.request("GET", "/healthz")
            health = msgspec.json.decode(connection.getresponse().read(), type=_Health)
        return Epoch.parse(health.epoch).incarnation
    except (OSError, ValueError, http.client.HTTPException, *UNREADABLE):
        return None
