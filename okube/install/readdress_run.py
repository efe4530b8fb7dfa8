"""``okube cluster readdress``: machines have other addresses; the cluster, cluster.yaml and other machines hear of it.

The cluster hears of it first, by its own log, while its managers have a majority; each process then listens at its new
address. All of it may be repeated.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from okube.client.address import parse_addresses
from okube.client.api import OkubeClient
from okube.client.credentials import find_credentials
from okube.client.retry import Caller
from okube.config import ClusterConfig
from okube.config.edit import with_hosts
from okube.config.hosts import canonical_host
from okube.config.rewrite import rewritten
from okube.install.inventory import machines_of
from okube.install.nodes import InCluster
from okube.install.nodes_cluster import TookTooLong, managers_in, node_in, wait_until
from okube.install.nodes_open import open_site
from okube.install.nodes_site import Teller
from okube.install.readdress import Move, moves_of
from okube.install.terms import Options
from okube.model.errors import NoQuorum
from okube.processes.settings import join_address
from okube.security import ClusterFiles

__all__ = ["Readdressed", "readdress"]

_PATIENCE_S = 10.0


class Readdressed(msgspec.Struct, frozen=True, kw_only=True):
    """What it came to; ``told`` is how many were not known to be there before."""

    moves: tuple[Move, ...]
    told: int = 0
    notes: tuple[str, ...] = ()
    took_s: float = 0.0


def readdress(path: Path, pairs: Mapping[str, str], options: Options, tell: Teller) -> Readdressed:
    """Have machines reached elsewhere.

    Args:
        path: cluster.yaml, which has the new hosts in the end.
        pairs: old and new host of each machine.
        options: how it is wanted.
        tell: told what happens.

    Raises:
        NotFound: cluster.yaml has no machine at an old host.
        NoQuorum: the managers find no majority.
        TookTooLong: some do not answer at their new hosts yet.
        OkubeError: it failed, and may be repeated.
    """
    begun = time.monotonic()
    before = rewritten(path, str)
    moves = moves_of(before.config, pairs)
    made = rewritten(path, lambda text: with_hosts(text, {move.name: move.host for move in moves}))
    if options.dry_run:
        return Readdressed(moves=moves)
    client = _client(made.config, before.config)
    machines = machines_of(made.config)

    async def run() -> Readdressed:
        async with open_site(made, machines, client, options, tell) as site:
            await asyncio.to_thread(_need_majority, client)
            told = await asyncio.to_thread(_tell_cluster, client, moves, tell)
            made.write()
            await asyncio.to_thread(_wait, client, moves, options.timeout_s)
            notes = await site.spread(machines)
            took_s = time.monotonic() - begun
            return Readdressed(moves=moves, told=told, notes=tuple(notes), took_s=took_s)

    try:
        return asyncio.run(run())
    finally:
        client.close()


def _client(after: ClusterConfig, before: ClusterConfig) -> OkubeClient:
    """The admin's client, which looks for managers at their new places and at the old ones."""
    places = dict.fromkeys(join_address(m.host, m.port) for m in (*after.managers, *before.managers))
    credentials = find_credentials(ClusterFiles(after.data_dir).admin.root, token=None)
    return OkubeClient(Caller(parse_addresses(",".join(places)), credentials))


def _need_majority(client: OkubeClient) -> None:
    try:
        wait_until(lambda: bool(client.status().get("quorum")), _PATIENCE_S, lambda: "the managers find no majority")
    except TookTooLong as error:
        raise NoQuorum(
            f"{error.detail}, at the addresses that they had or have. Where so many moved at once that they do not "
            "find each other, call 'okube managers readdress --offline' on the machine of each; docs/operations.md, 'A "
            "machine gets another address', has the steps"
        ) from error


def _tell_cluster(client: OkubeClient, moves: Sequence[Move], tell: Teller) -> int:
    """Put what differs into the log; how many that were."""
    rows = {str(row["name"]): str(row["address"]) for row in (*client.managers(), *client.nodes())}
    told = 0
    for move in moves:
        if rows.get(move.name) in (None, move.address):
            continue  # it is no part of the cluster yet, or is known to be there
        if move.role == "manager":
            client.readdress_manager(move.name, address=move.address, raft_address=move.raft_address)
        else:
            client.update_node(move.name, address=move.address)
        tell.note(f"{move.name} is at {move.address} from now on")
        told += 1
    return told


def _wait(client: OkubeClient, moves: Sequence[Move], timeout_s: float) -> None:
    missing: list[str] = []

    def all_arrived() -> bool:
        managers = managers_in(client)
        nodes = {move.name: node_in(client, move.name) for move in moves if move.role == "worker"}
        missing[:] = [
            move.name for move in moves if not _is_there(move, managers.get(move.name) or nodes.get(move.name))
        ]
        return not missing

    wait_until(
        all_arrived, timeout_s, lambda: f"{', '.join(missing)} not at the new address yet; repeat this once it is"
    )


def _is_there(move: Move, known: InCluster | None) -> bool:
    """Whether it answers there; what is no part of the cluster yet is not waited for."""
    return known is None or (known.answers and canonical_host(known.host) == canonical_host(move.host))
