"""Whether the cluster is well: asked of its managers, with the admin's credentials that are kept here."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from okube.client.address import parse_addresses
from okube.client.api import OkubeClient
from okube.client.credentials import find_credentials
from okube.client.retry import Caller
from okube.config import ClusterConfig
from okube.model.errors import OkubeError
from okube.processes.settings import join_address
from okube.security import ClusterFiles

__all__ = ["Health", "client_of", "holds_ca", "known_nodes", "look", "wait_until_well"]

_POLL_S = 0.25
_PATIENCE_S = 2.0


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What a manager says of the cluster; ``missing`` are sentences on what is not as it should be."""

    leader: str = ""
    missing: tuple[str, ...] = ()
    status: dict[str, Any] = {}
    nodes: tuple[dict[str, Any], ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def client_of(config: ClusterConfig) -> OkubeClient:
    """The admin's client of the cluster; its managers are where cluster.yaml has them.

    Raises:
        OkubeError: the credentials are not here.
    """
    addresses = parse_addresses(",".join(join_address(m.host, m.port) for m in config.managers))
    return OkubeClient(Caller(addresses, find_credentials(ClusterFiles(config.data_dir).admin.root, token=None)))


def look(client: OkubeClient, managers: Iterable[str], workers: Iterable[str]) -> Health:
    """How the cluster is now, as far as these managers and workers go."""
    client.hurry(_PATIENCE_S)
    try:
        status = client.status()
        nodes = client.nodes() if status.get("quorum") else []
    except OkubeError as error:
        return Health(missing=(f"no manager answers: {error.detail}",))
    finally:
        client.hurry(None)
    return Health(
        leader=str(status.get("leader") or ""),
        missing=tuple(_missing(status, nodes, managers, workers)),
        status=status,
        nodes=tuple(nodes),
    )


def wait_until_well(
    client: OkubeClient,
    managers: Iterable[str],
    workers: Iterable[str],
    *,
    timeout_s: float,
    say: Callable[[str], None] = lambda _: None,
) -> Health:
    """Look until all is well, or the time is over; ``say`` is told what is waited for when it changes."""
    managers, workers = tuple(managers), tuple(workers)
    until, told = time.monotonic() + timeout_s, ""
    while True:
        health = look(client, managers, workers)
        if health.is_well or time.monotonic() > until:
            return health
        sentence = "; ".join(health.missing)
        if sentence != told:
            say(sentence)
            told = sentence
        time.sleep(_POLL_S)


def holds_ca(config: ClusterConfig, timeout_s: float) -> bool:
    """Whether the cluster has its CA in its own state; looked at until it does, or the time is over."""
    client, until = client_of(config), time.monotonic() + timeout_s
    try:
        while True:
            try:
                client.authorities()
            except OkubeError:
                if time.monotonic() > until:
                    return False
                time.sleep(_POLL_S)
            else:
                return True
    finally:
        client.close()


def known_nodes(config: ClusterConfig) -> frozenset[str]:
    """The nodes that the cluster knows; none where it does not answer, as before it was started."""
    client = client_of(config)
    client.hurry(_PATIENCE_S)
    try:
        return frozenset(str(node.get("name")) for node in client.nodes())
    except OkubeError:
        return frozenset()
    finally:
        client.close()


def _missing(
    status: dict[str, Any], nodes: list[dict[str, Any]], managers: Iterable[str], workers: Iterable[str]
) -> Iterable[str]:
    states = {str(m.get("name")): str(m.get("state")) for m in status.get("managers") or []}
    away = [name for name in managers if states.get(name) != "ready"]
    if not status.get("quorum"):
        yield "there is no quorum"
    elif not status.get("leader"):
        yield "there is no leader"
    if away:
        yield f"{'managers' if len(away) > 1 else 'manager'} {', '.join(away)} not ready"
    if status.get("quorum"):
        ready = {str(node.get("name")) for node in nodes if node.get("state") == "ready"}
        lost = [name for name in workers if name not in ready]
        if lost:
            yield f"{'workers' if len(lost) > 1 else 'worker'} {', '.join(lost)} not ready"
