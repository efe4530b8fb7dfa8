"""Units of systemd for the processes of a cluster: pure text, from what a process is to how it is started and confined.

The lab's supervisor reads the same text; what it does not know of it, it leaves alone.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Literal

import msgspec

from okube.config import ClusterConfig
from okube.config.hosts import canonical_host
from okube.install.layout import LAYOUT, SYSTEM_USER, Layout
from okube.seams.standing import AGENT, MANAGER

__all__ = ["Process", "installed_process", "processes_of", "program_in", "unit_name", "unit_text"]

Role = Literal["manager", "worker"]
_WATCHDOG_S = 30
_START_S = 300  # a manager that replays a long log answers late, and is well
_STOP_S = 20
_PROGRAM = re.compile(r"^ExecStart=\"?(?P<program>[^\s\"]+)", re.MULTILINE)
_HOMES = tuple(PurePosixPath(path) for path in ("/home", "/root", "/run/user"))
_TEMPORARY = tuple(PurePosixPath(path) for path in ("/tmp", "/var/tmp"))


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process as a unit starts it; all paths are absolute.

    ``user`` is who it runs as, ``None`` for root. ``runtime`` is that of cluster.yaml, and of a worker alone.
    """

    role: Role
    name: str
    cluster: str
    program: str
    config: str
    data_dir: str
    key_dir: str | None = None
    runtime: str = "auto"
    user: str | None = None


def unit_name(role: Role, name: str) -> str:
    """``okube-manager-m1.service``."""
    return f"okube-{role}-{name}.service"


def installed_process(
    config: ClusterConfig, role: Role, name: str, release: str, *, layout: Layout = LAYOUT
) -> Process:
    """A process of a machine that ``okube cluster install`` looks after, as a release of Okube runs it."""
    return Process(
        role=role,
        name=name,
        cluster=config.cluster,
        program=str(layout.program(release)),
        config=str(layout.cluster_file),
        data_dir=str(layout.data),
        key_dir=str(layout.keys),
        runtime=config.runtime,
        user=SYSTEM_USER if role == "manager" else None,
    )


def processes_of(config: ClusterConfig, host: str) -> Iterator[tuple[Role, str]]:
    """What cluster.yaml has on one host, managers first."""
    wanted = canonical_host(host)
    yield from (("manager", each.name) for each in config.managers if canonical_host(each.host) == wanted)
    yield from (("worker", each.name) for each in config.workers if canonical_host(each.host) == wanted)


def program_in(text: str) -> str | None:
    """The program that a unit of ours starts, which tells its release."""
    found = _PROGRAM.search(text)
    return found["program"] if found else None


def unit_text(process: Process) -> str:
    """The whole unit."""
    sections = {
        "Unit": _unit(process),
        "Service": [*_service(process), *_standing(process), *_confinement(process)],
        "Install": ["WantedBy=multi-user.target"],
    }
    return "\n".join("\n".join([f"[{name}]", *lines, ""]) for name, lines in sections.items())


def _unit(process: Process) -> list[str]:
    after = ["network-online.target"]
    if process.role == "worker" and process.runtime != "process":
        after.append("docker.service")
    lines = [
        f"Description=Okube {process.role} {process.name} of cluster {process.cluster}",
        f"After={' '.join(after)}",
        "Wants=network-online.target",
        "# It is started again as often as it ends: a network, a disk or an engine may be back later.",
        "StartLimitIntervalSec=0",
    ]
    if process.role == "manager":
        lines += [
            "# A manager that was removed from the cluster leaves this file, and must not start any more.",
            f"ConditionPathExists=!{_plain(str(PurePosixPath(process.data_dir, process.name, 'removed')))}",
        ]
    return lines


def _service(process: Process) -> list[str]:
    words = (process.program, process.role, "--name", process.name, "--config", process.config)
    lines = [
        "Type=notify",
        f"ExecStart={' '.join(_word(word) for word in words)}",
        "Restart=on-failure",
        "RestartSec=2",
        "# It tells that it serves, and then that its loop turns; one that hangs is ended, and started again.",
        f"WatchdogSec={_WATCHDOG_S}",
        f"TimeoutStartSec={_START_S}",
        f"TimeoutStopSec={_STOP_S}",
        f"SyslogIdentifier=okube-{process.name}",
    ]
    if process.role == "worker":
        lines += [
            "# Its containers go on while it is away; with the process runtime they are children of this unit.",
            "KillMode=process",
        ]
    if process.user is not None:
        lines += [f"User={process.user}", f"Group={process.user}"]
    if process.user == SYSTEM_USER:
        lines += ["# What root did here by hand (a restore, a renewal) is the manager's again.", *_given_back(process)]
    return lines


def _given_back(process: Process) -> list[str]:
    """Files of the cluster's own folders, and the folders of the manager and of the CA whole; never a worker's."""
    owner = f"{process.user}:{process.user}"
    shared = [_word(path) for path in (process.data_dir, process.key_dir) if path]
    same = "".join(f" -o -path {folder}" for folder in shared)
    return [
        f"ExecStartPre=+-/usr/bin/find {' '.join(shared)} -maxdepth 1 ( -type f{same} ) -exec chown -h {owner} {{}} +",
        f"ExecStartPre=+-/usr/bin/find {shared[0]} -mindepth 1 -maxdepth 1 ( -name ca -o -name {process.name} ) "
        f"-exec chown -hR {owner} {{}} +",
    ]


def _standing(process: Process) -> list[str]:
    """The same that a process takes for itself where it may; here it needs no rights for it."""
    standing = MANAGER if process.role == "manager" else AGENT
    lines = [
        "",
        f"OOMScoreAdjust={standing.oom_score_adj}",
        f"Nice={standing.nice}",
        "LimitCORE=0",
    ]
    if standing.all_descriptors:
        lines.append("LimitNOFILE=524288")
    if process.role == "worker":
        lines.append("TasksMax=infinity")
    return lines


def _confinement(process: Process) -> list[str]:
    if process.role == "worker" and process.runtime != "docker":
        return [
            "",
            "# Tasks of the process runtime are children of this unit, and what it may not do they may not either. So",
            "# it is confined where cluster.yaml says 'runtime: docker', and not where it may be the other one.",
        ]
    return ["", *_may_not(process), *_may_write(process), *_capabilities(process)]


def _may_not(process: Process) -> list[str]:
    shared = [
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        f"ProtectHome={_home(process)}",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectKernelTunables=yes",
        "ProtectControlGroups=yes",
        "ProtectClock=yes",
        "ProtectHostname=yes",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "LockPersonality=yes",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        "SystemCallErrorNumber=EPERM",
    ]
    if process.role == "manager":
        private_tmp = "no" if _is_in(process, _TEMPORARY) else "yes"
        return [*shared, "UMask=0077", f"PrivateTmp={private_tmp}", "PrivateDevices=yes", "ProtectProc=invisible"]
    return shared


def _home(process: Process) -> str:
    """Managers see no home, unless something of theirs is in one; agents look whether a volume's folder is there."""
    return "read-only" if process.role == "worker" or _is_in(process, _HOMES) else "yes"


def _is_in(process: Process, folders: tuple[PurePosixPath, ...]) -> bool:
    """Whether anything of the process is below one of the folders."""
    paths = (process.program, process.config, process.data_dir, process.key_dir or "/")
    return any(folder in PurePosixPath(path).parents for path in paths for folder in folders)


def _may_write(process: Process) -> list[str]:
    if process.role == "manager":
        return [f"ReadWritePaths={_word(path)}" for path in (process.data_dir, process.key_dir) if path]
    return [
        "# Values of secrets are kept below /run, which is memory; there agents of one machine know of each other too.",
        f"ReadWritePaths={_word(process.data_dir)} /run",
    ]


def _capabilities(process: Process) -> list[str]:
    bind = "CAP_NET_BIND_SERVICE"
    if process.role == "worker":
        return [
            "# It gives the files of secrets to the users that tasks run as, and looks into folders of any owner.",
            f"CapabilityBoundingSet={bind} CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH",
        ]
    return [f"CapabilityBoundingSet={bind}", f"AmbientCapabilities={bind}"]


def _word(word: str) -> str:
    """A word of a command line or a list, as systemd.service(5) reads it: ``%`` and ``$`` stand for themselves."""
    text = _plain(word).replace("$", "$$")
    if re.fullmatch(r"[A-Za-z0-9_./:@+,=%$~-]+", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(word: str) -> str:
    return word.replace("%", "%%")
