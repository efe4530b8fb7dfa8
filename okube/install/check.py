"""``okube cluster check``: all that an installation looks at, on the living cluster, and how that one is."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from okube.config import ClusterConfig, load_cluster, load_documents
from okube.install.findings import Finding, in_order
from okube.install.health import Health, client_of, look
from okube.install.inventory import Machine, machines_of
from okube.install.layout import LAYOUT, Layout
from okube.install.machinefile import machine_file
from okube.install.preflight import Wanted
from okube.install.sowing import known_cluster
from okube.install.standing import check_standing
from okube.install.survey import connected, survey
from okube.model.errors import OkubeError

__all__ = ["Checked", "check"]

_SOON_S = 30 * 86400
Say = Callable[[Machine, str], None]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: of which machines, how the cluster is (None where none was made from here), all that is wrong."""

    cluster: str
    machines: tuple[Machine, ...]
    health: Health | None
    findings: tuple[Finding, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing stands in the way of anything."""
        return all(finding.severity != "error" for finding in self.findings)


def check(config_path: Path, *, accept_new: bool, say: Say, layout: Layout = LAYOUT) -> Checked:
    """Look at the machines of cluster.yaml and at the cluster on them, and change nothing.

    Raises:
        OkubeError: cluster.yaml, or the cluster's files here, cannot be used.
    """
    config = load_cluster(config_path.absolute())
    cluster_file = machine_file(load_documents(config_path)[0], layout=layout)
    return asyncio.run(_check(config, cluster_file, accept_new=accept_new, say=say, layout=layout))


async def _check(config: ClusterConfig, cluster_file: bytes, *, accept_new: bool, say: Say, layout: Layout) -> Checked:
    machines = machines_of(config)
    seed = known_cluster(config)
    wanted = Wanted(config=config, cluster_id=None if seed is None else seed.cluster_id, layout=layout)
    async with connected(machines, accept_new=accept_new, say=say) as (remotes, silent):
        found = await survey(machines, remotes, silent, wanted, say=say)
    findings = [*found.findings, *(Finding.error(machine.host, why) for machine, why in found.silent)]
    health = None
    if seed is not None:
        findings += check_standing(found.machines, found.facts, config, cluster_file, layout=layout)
        health = await asyncio.to_thread(_health, config, machines)
        findings += _of_health(health, time.time())
    return Checked(cluster=config.cluster, machines=machines, health=health, findings=tuple(in_order(findings)))


def _health(config: ClusterConfig, machines: Sequence[Machine]) -> Health:
    try:
        client = client_of(config)
    except OkubeError as error:
        return Health(missing=(error.detail,))
    try:
        managers = [manager.name for machine in machines for manager in machine.managers]
        workers = [worker.name for machine in machines for worker in machine.workers]
        return look(client, managers, workers)
    finally:
        client.close()


def _of_health(health: Health, now_s: float) -> Iterator[Finding]:
    for sentence in health.missing:
        yield Finding.error("", sentence, "'okube status' and 'okube nodes' show more")
    for node in health.nodes:
        for condition in node.get("conditions") or []:
            yield Finding.warning("", f"worker {node.get('name')}: {condition.get('message')}")
    ends: Any = (health.status.get("certificates") or {}).get("next_end")
    if isinstance(ends, dict):
        left_s = datetime.fromisoformat(str(ends["ends"])).timestamp() - now_s
        if left_s < _SOON_S:
            yield Finding.warning(
                "",
                f"the certificate of {ends.get('whose')} ends on {str(ends['ends'])[:10]}, and was not renewed",
                "see its log for why",
            )
