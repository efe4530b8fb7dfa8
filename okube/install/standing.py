"""How an installed machine stands: what runs, with which software and settings; plain, from facts to findings."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from okube.config import ClusterConfig
from okube.install.facts import Facts
from okube.install.findings import Finding
from okube.install.installed import Entry, Installed, entries_of, installed_of
from okube.install.inventory import Machine
from okube.install.layout import LAYOUT, Layout
from okube.install.plan import Desired, plan_machine
from okube.model.errors import OkubeError

__all__ = ["check_standing"]

_MANY_RESTARTS = 5


def check_standing(
    machines: Sequence[Machine],
    facts: Mapping[str, Facts],
    config: ClusterConfig,
    cluster_file: bytes,
    *,
    layout: Layout = LAYOUT,
) -> list[Finding]:
    """What is wrong with an installation, as far as the machines themselves show it."""
    there = {
        (machine.host, entry): installed_of(facts[machine.host], entry, layout)
        for machine in machines
        for entry in entries_of(machine)
    }
    findings = [finding for (host, entry), found in there.items() for finding in _process(host, entry, found)]
    findings += _releases(there)
    for machine in machines:
        findings += _differences(machine, facts[machine.host], there, config, cluster_file, layout)
    return findings


def _process(host: str, entry: Entry, found: Installed) -> Iterator[Finding]:
    if found.was_removed:
        yield Finding.warning(
            host,
            f"{entry.name} was removed from the cluster, and is in cluster.yaml still",
            "take it out there, or have a new one join",
        )
    elif found.identity is None or found.release is None:
        yield Finding.error(host, f"{entry.name} is not installed", "'okube cluster install' does it")
    elif not found.unit.runs:
        why = f" ({found.unit.result})" if found.unit.result not in ("", "success") else ""
        yield Finding.error(
            host,
            f"{entry.name} does not run: its unit is {found.unit.active}{why}",
            f"see why, with 'journalctl -u {entry.unit}'; 'okube cluster install' starts it",
        )
    else:
        if found.unit.restarts >= _MANY_RESTARTS:
            yield Finding.warning(
                host,
                f"{entry.name} had to be started again {found.unit.restarts} times",
                f"see why, with 'journalctl -u {entry.unit}'",
            )
        if not found.unit.is_enabled:
            yield Finding.warning(
                host, f"{entry.name} does not start with its machine", "'okube cluster install' sees to it"
            )


def _releases(there: Mapping[tuple[str, Entry], Installed]) -> Iterator[Finding]:
    by_release: dict[str, list[str]] = {}
    for (_, entry), found in there.items():
        if found.release is not None:
            by_release.setdefault(found.release, []).append(entry.name)
    if len(by_release) > 1:
        told = "; ".join(f"{release}: {', '.join(names)}" for release, names in sorted(by_release.items()))
        yield Finding.warning("", f"several releases are in use ({told})", "'okube cluster upgrade' brings all to one")


def _differences(
    machine: Machine,
    facts: Facts,
    there: Mapping[tuple[str, Entry], Installed],
    config: ClusterConfig,
    cluster_file: bytes,
    layout: Layout,
) -> Iterator[Finding]:
    """What an installation with the same release would change; what is missing or does not run is told already."""
    releases = {there[machine.host, entry].release for entry in entries_of(machine)} - {None}
    release = next(iter(releases), None)
    if release is None or len(releases) > 1:
        return
    desired = Desired(config=config, cluster_file=cluster_file, seed=None, release=release, layout=layout)
    try:
        plan = plan_machine(machine, facts, desired)
    except OkubeError as error:
        yield Finding.error(machine.host, error.detail)
        return
    said = msgspec.structs.replace(plan, starts=(), before=()).sentences
    if said:
        yield Finding.warning(
            machine.host, f"'okube cluster install' would change it: {'; '.join(said)}", "or change cluster.yaml back"
        )
