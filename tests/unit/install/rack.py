"""Builders for the tests of installations: a cluster of three machines, and facts of a machine where all is well."""

from pathlib import Path
from typing import Any

import msgspec

from okube.config import ClusterConfig, ManagerConfig, WorkerConfig, load_cluster
from okube.install.facts import Cgroups, Disk, Engine, Facts, Output, Port, Python, Question, System
from okube.install.installed import question_of
from okube.install.inventory import Machine, machines_of

HOSTS = ("192.0.2.11", "192.0.2.12", "192.0.2.13")
GIB = 1 << 30


def a_cluster(**changes: Any) -> ClusterConfig:
    """Three machines with a manager and a worker each."""
    managers = tuple(ManagerConfig(name=f"m{n}", host=host, port=7101) for n, host in enumerate(HOSTS, 1))
    workers = tuple(WorkerConfig(name=f"w{n}", host=host, port=7201) for n, host in enumerate(HOSTS, 1))
    config = ClusterConfig(
        cluster="lab",
        data_dir=Path("/home/op/.okube"),
        managers=managers,
        workers=workers,
        file=Path("/home/op/c.yaml"),
    )
    return msgspec.structs.replace(config, **changes)


def a_file(folder: Path, text: str) -> ClusterConfig:
    """The cluster that a text describes."""
    path = folder / "cluster.yaml"
    path.write_text(text)
    return load_cluster(path)


def the_first(config: ClusterConfig) -> Machine:
    """The machine of m1 and w1."""
    return machines_of(config)[0]


def healthy(machine: Machine, config: ClusterConfig, **changes: Any) -> Facts:
    """Facts of a machine on which nothing was installed, and nothing is in the way."""
    question: Question = question_of(machine, config)
    facts = Facts(
        hostname=machine.host.replace(".", "-"),
        machine_id=machine.host.replace(".", "").rjust(32, "a"),
        arch="x86_64",
        system=System("Debian GNU/Linux 12 (bookworm)", "debian"),
        cores=4,
        memory=8 * GIB,
        pythons=(Python("/usr/bin/python3", (3, 11, 2), platform="linux-x86_64", libc="2.36"),),
        init="systemd",
        programs={
            "apt-get": "/usr/bin/apt-get",
            "dockerd": "/usr/sbin/dockerd",
            "apparmor_parser": "/sbin/apparmor_parser",
        },
        disks={folder: Disk(100 * GIB, 50 * GIB, 1_000_000, "ext4", 0.5) for folder in question.folders},
        ports=tuple(Port(host, port) for host, port in question.ports),
        engine=Engine(version="20.10.24", api="1.41", storage="overlay2") if question.engine else None,
        apparmor=True,
        cgroups=Cgroups(2, ("cpu", "memory", "pids")),
        files=dict.fromkeys(question.files),
        entries=dict.fromkeys(question.listed, ()),
        contents=dict.fromkeys(question.contents),
        commands={name: Output(0 if name == "systemd" else 1) for name in question.commands},
        now=1_800_000_000.0,
    )
    return msgspec.structs.replace(facts, **changes)
