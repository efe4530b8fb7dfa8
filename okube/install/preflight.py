"""What stands in the way of an installation on one machine: plain functions from facts to findings."""

from collections.abc import Iterator, Mapping

import msgspec

from okube.config import ClusterConfig
from okube.install.facts import Facts, Port, Python
from okube.install.findings import Finding
from okube.install.inventory import Machine
from okube.install.layout import LAYOUT, Layout
from okube.install.units import unit_name
from okube.install.unpack import target_of
from okube.model.quantities import format_bytes

__all__ = ["LEAST_PYTHON", "Wanted", "check_machine", "python_for"]

LEAST_PYTHON = (3, 11)
_INSTALL_PYTHON = "install Python 3.11 or newer: Debian 12 and Ubuntu 24.04 have it"
_MANAGER_MEMORY, _WORKER_MEMORY = 400 << 20, 200 << 20
_LEAST_FREE, _GOOD_FREE = 512 << 20, 2 << 30
_LEAST_FILES = 10_000
_SLOW_SYNC_MS, _VERY_SLOW_SYNC_MS = 20.0, 100.0
_NETWORK_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"})
_FLEETING_DISKS = frozenset({"tmpfs", "ramfs"})


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be installed.

    ``targets`` leads from what the bundle has wheels for (``3.11-x86_64``) to the oldest glibc that will do; empty
    where that is not known. ``cluster_id`` is None as long as the cluster was not made.
    """

    config: ClusterConfig
    targets: Mapping[str, str] = {}
    cluster_id: str | None = None
    layout: Layout = LAYOUT


def check_machine(machine: Machine, facts: Facts, wanted: Wanted) -> list[Finding]:
    """All that is wrong with a machine, or should be thought over."""
    checks = (_rights, _software, _memory, _disks, _ports, _engine, _other_cluster)
    return [finding for check in checks for finding in check(machine, facts, wanted)]


def python_for(facts: Facts, targets: Mapping[str, str]) -> Python | None:
    """The newest Python that Okube can run with, and that the bundle has wheels for, where it is known what it has."""
    good = [
        each
        for each in facts.pythons
        if each.implementation == "CPython"
        and each.version[:2] >= LEAST_PYTHON
        and (not targets or _fits(each, facts, targets))
    ]
    return max(good, key=lambda each: each.version, default=None)


def _fits(python: Python, facts: Facts, targets: Mapping[str, str]) -> bool:
    least = targets.get(target_of(".".join(map(str, python.version[:2])), facts.arch))
    return least is not None and bool(python.libc) and _numbers(python.libc) >= _numbers(least)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def _rights(machine: Machine, facts: Facts, _: Wanted) -> Iterator[Finding]:
    if not facts.is_root:
        yield Finding.error(
            machine.host,
            f"{machine.access.user} is not root there, and sudo is not used",
            "log in as root, or set ssh.sudo to auto",
        )
    if facts.init == "none":
        yield Finding.error(
            machine.host,
            "it has no systemd, which starts Okube and keeps it running",
            "use a machine that has; without it start processes with 'okube up -d'",
        )
        return
    told = facts.commands.get(facts.init)
    if told is not None and told.status != 0:
        yield Finding.error(
            machine.host,
            f"it does not tell which services run: {' '.join(told.out.split()) or 'no word'}",
            "see to systemd there",
        )


def _software(machine: Machine, facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    if python_for(facts, wanted.targets) is not None:
        return
    has = ", ".join(".".join(map(str, each.version)) for each in facts.pythons) or "none"
    if python_for(facts, {}) is None:
        yield Finding.error(machine.host, f"no Python that will do (it has {has})", _INSTALL_PYTHON)
        return
    libc = next((each.libc for each in facts.pythons if each.libc), "") or "another libc"
    yield Finding.error(
        machine.host,
        f"the bundle has nothing for it (Python {has}, {facts.arch}, glibc {libc}), "
        f"but for {', '.join(wanted.targets)}",
        "install one of these, or make a bundle that has what it needs, with 'make wheel-bundle'",
    )


def _memory(machine: Machine, facts: Facts, _: Wanted) -> Iterator[Finding]:
    needed = len(machine.managers) * _MANAGER_MEMORY + len(machine.workers) * _WORKER_MEMORY
    if 0 < facts.memory < needed:
        yield Finding.warning(
            machine.host,
            f"{format_bytes(facts.memory)} of memory is little for {', '.join(machine.names)}",
            f"give it {format_bytes(needed)} or more, beside what tasks need",
        )


def _disks(machine: Machine, facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    for folder, disk in facts.disks.items():
        if disk.problem:
            yield Finding.error(machine.host, f"nothing can be written below {folder} ({disk.problem})", "see to it")
        elif disk.free < _LEAST_FREE:
            yield Finding.error(
                machine.host,
                f"{format_bytes(disk.free)} free below {folder} are too few",
                f"make room: {format_bytes(_GOOD_FREE)} is a good beginning",
            )
        elif disk.free < _GOOD_FREE:
            yield Finding.warning(
                machine.host, f"{format_bytes(disk.free)} free below {folder} are few", "images and logs need more"
            )
        elif 0 <= disk.free_files < _LEAST_FILES:
            yield Finding.error(
                machine.host, f"{disk.free_files} more files fit below {folder} (inodes)", "make room for files there"
            )
    data = facts.disks.get(str(wanted.layout.data))
    if data is None:
        return
    if data.kind in _FLEETING_DISKS:
        yield Finding.error(
            machine.host, f"{wanted.layout.data} is in memory ({data.kind})", "its data would be gone with a reboot"
        )
    if not machine.managers:
        return
    if data.kind in _NETWORK_DISKS:
        yield Finding.warning(
            machine.host,
            f"{wanted.layout.data} is on a network file system ({data.kind})",
            "give managers a disk of their own: each change waits for it",
        )
    if data.sync_ms is not None and data.sync_ms > _SLOW_SYNC_MS:
        slower = data.sync_ms > _VERY_SLOW_SYNC_MS
        yield Finding.warning(
            machine.host,
            f"a sync below {wanted.layout.data} takes {data.sync_ms:.0f} ms, and each change of the cluster waits "
            "for it",
            "use a faster disk for a manager" + (", or make timing.election 2s" if slower else ""),
        )


def _ports(machine: Machine, facts: Facts, _: Wanted) -> Iterator[Finding]:
    owners = {(m.host, port): m.name for m in machine.managers for port in (m.port, m.raft_port)}
    owners |= {(w.host, w.port): w.name for w in machine.workers}
    told_hosts = set()
    for port in facts.ports:
        name = owners.get((port.host, port.port), "")
        if not port.problem or _is_ours(port, name):
            continue
        if port.taken:
            yield Finding.error(
                machine.host,
                f"port {port.port} of {name} is taken by {port.holder or 'another process'}",
                "end that, or give another port in cluster.yaml",
            )
        elif port.host not in told_hosts:
            told_hosts.add(port.host)
            yield Finding.error(
                machine.host,
                f"{name} cannot listen at {port.host} ({port.problem})",
                "give the address of the machine itself, at which the others reach it",
            )


def _is_ours(port: Port, name: str) -> bool:
    """Whether it is the very process that is to be there: ``…/okube manager --name m1 …``."""
    words = port.holder.split()
    return "--name" in words and words[words.index("--name") + 1 :][:1] == [name] and any("okube" in w for w in words)


def _engine(machine: Machine, facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    engine, config = facts.engine, wanted.config
    if engine is None or not machine.workers:
        return
    if engine.problem:
        yield from _no_engine(machine, facts, wanted)
        return
    if facts.apparmor and not facts.has("apparmor_parser"):
        yield Finding.error(
            machine.host,
            "its kernel has AppArmor and the package apparmor is missing, so no container would start",
            "apt-get install apparmor",
        )
    if not engine.memory_limit:
        yield Finding.warning(
            machine.host,
            "its engine cannot limit the memory of containers",
            "boot it with cgroup_enable=memory, or with cgroups of version 2",
        )
    if engine.storage == "vfs":
        yield Finding.warning(
            machine.host,
            "its engine copies images whole for each container (storage driver vfs)",
            f"see to overlay2 for {engine.root or config.docker.host}",
        )


def _no_engine(machine: Machine, facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    engine, config = facts.engine, wanted.config
    assert engine is not None
    broken = facts.has("dockerd")
    if broken:
        yield Finding.error(
            machine.host,
            f"Docker is installed and does not answer at {config.docker.host} ({engine.problem})",
            "start it, and see why it did not: journalctl -u docker",
        )
    elif config.install.docker == "distribution" and facts.system.has_apt and facts.has("apt-get"):
        return
    elif config.install.docker == "distribution":
        yield Finding.error(
            machine.host,
            f"it has no Docker Engine, and {facts.system.name or 'its system'} is none from which it can be installed",
            "install Docker by hand",
        )
    elif config.runtime == "docker":
        yield Finding.error(
            machine.host,
            f"no Docker Engine answers at {config.docker.host} ({engine.problem})",
            "install one, or have the installation do it, with 'install: {docker: distribution}' in cluster.yaml",
        )
    else:
        yield Finding.warning(
            machine.host,
            "it has no Docker Engine, so its worker runs tasks as processes, and keeps to that",
            "for containers install one first, or write 'install: {docker: distribution}' in cluster.yaml",
        )


class _Known(msgspec.Struct, frozen=True):
    """What tells the cluster of a cluster.json, or the process of an identity.json."""

    cluster_id: str
    cluster: str = ""
    role: str = ""
    name: str = ""


def _other_cluster(machine: Machine, facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    layout = wanted.layout
    seed = _read(facts.contents.get(str(layout.data / "cluster.json")))
    if seed is not None and seed.cluster_id != wanted.cluster_id:
        if wanted.cluster_id is None and seed.cluster == wanted.config.cluster:
            yield Finding.error(
                machine.host,
                f"the cluster {seed.cluster} was installed here already, from another folder or machine",
                f"go on from there, or copy that data_dir to {wanted.config.data_dir}",
            )
        else:
            yield Finding.error(
                machine.host,
                f"{layout.data} holds the data of another cluster, {seed.cluster} ({seed.cluster_id})",
                "take it away first, with 'okube cluster uninstall' from where it was installed",
            )
        return
    for role, entries in (("manager", machine.managers), ("worker", machine.workers)):
        for entry in entries:
            found = _read(facts.contents.get(str(layout.data / entry.name / "identity.json")))
            if found is not None and found.role != role:
                yield Finding.error(
                    machine.host,
                    f"{layout.data / entry.name} is that of {found.role} {entry.name}",
                    f"give the {role} another name in cluster.yaml ({unit_name('manager', entry.name)} may run)",
                )


def _read(text: str | None) -> _Known | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=_Known)
    except msgspec.MsgspecError:
        return _Known("damaged")
