"""How single values of cluster.yaml are read, and which are allowed."""

import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from okube.config.hosts import host_error
from okube.model.names import RESERVED_NAMES, name_error
from okube.model.quantities import MAX_CPUS, format_bytes, parse_bandwidth
from okube.model.resources import Bytes
from okube.model.spec import Seconds

__all__ = [
    "AmountOfBytes",
    "CertificateLife",
    "Cores",
    "DockerHost",
    "DownAfter",
    "Election",
    "Folder",
    "Heartbeat",
    "HostName",
    "LinkSpeed",
    "PortNumber",
    "ProcessName",
    "ReservedBytes",
    "ReservedCores",
    "SnapshotDays",
    "SnapshotEvery",
    "SnapshotNumber",
    "SshUser",
    "Zone",
    "seconds_text",
]

_ZONE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_LEAST_BYTES = 16 << 20
_SSH_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")
_DOCKER_HOST = re.compile(r"unix:///\S+|(?:tcp|ssh)://\S+")


def seconds_text(seconds: float) -> str:
    """A time as cluster.yaml would have it: ``500ms``, ``1.5s``."""
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{round(seconds, 3):g}s"


def _check(check: Callable[[Any], str | None]) -> msgspec.Meta:
    return msgspec.Meta(extra={"check": check})


def _process_name(text: str) -> str | None:
    if text in RESERVED_NAMES:
        return f"{text!r} is the name of a folder in the data directory already: choose another"
    return name_error(text)


def _port(port: int) -> str | None:
    return None if 1 <= port <= 65535 else f"{port} is no port: 1 to 65535"


def _zone(text: str) -> str | None:
    if not text or _ZONE.fullmatch(text):
        return None
    return f"{text!r} is no name: up to 63 letters, digits, '.', '_' and '-', without blanks"


def _cores(cores: float) -> str | None:
    return None if 0.01 <= cores <= MAX_CPUS else f"{cores:g} cores are out of range: 0.01 to {MAX_CPUS:.0f}"


def _amount(count: int) -> str | None:
    if count >= _LEAST_BYTES:
        return None
    return f"{format_bytes(count)} is too little for a node: at least 16M (did you forget the unit?)"


def _reserved_cores(cores: float) -> str | None:
    return None if 0 <= cores <= MAX_CPUS else f"{cores:g} cores are out of range: 0 to {MAX_CPUS:.0f}"


def _reserved_bytes(count: int) -> str | None:
    if count == 0 or count >= _LEAST_BYTES:
        return None
    return f"{format_bytes(count)} is too little to keep back: 0, or at least 16M (did you forget the unit?)"


def _folder(text: str) -> str | None:
    if not text.strip() or "\0" in text:
        return f"{text!r} is no folder"
    return None


def _docker_host(text: str) -> str | None:
    if _DOCKER_HOST.fullmatch(text):
        return None
    return (
        f"{text!r} is no address of a Docker Engine: write unix:///var/run/docker.sock, tcp://HOST:PORT or ssh://HOST"
    )


def _ssh_user(text: str) -> str | None:
    return None if _SSH_USER.fullmatch(text) else f"{text!r} is no name of a user: write one such as root or admin"


def _between(least: float, most: float, why_least: str, why_most: str) -> msgspec.Meta:
    def check(seconds: float) -> str | None:
        allowed = f"{seconds_text(least)} to {seconds_text(most)}"
        if seconds < least:
            return f"{seconds_text(seconds)} is too short: {allowed}; {why_least}"
        if seconds > most:
            return f"{seconds_text(seconds)} is too long: {allowed}; {why_most}"
        return None

    return _check(check)


def _snapshot_every(seconds: float) -> str | None:
    if seconds == 0 or 60 <= seconds <= 30 * 86400:
        return None
    return f"{seconds_text(seconds)} is out of range: 1m to 720h, or 0 for no snapshots"


def _certificate_life(seconds: float) -> str | None:
    if 30 <= seconds <= 366 * 86400:
        return None
    return (
        f"{seconds_text(seconds)} is out of range: 30s to 366d; who is away for half of it comes back too late to renew"
    )


def parse_link(value: object) -> int:
    """A speed in bit/s; raises ValueError for what is none, and for 0."""
    bits = parse_bandwidth(value)
    if bits == 0:
        raise ValueError("a link of 0 carries nothing: leave it out where its speed is not known")
    return bits


ProcessName = Annotated[str, _check(_process_name)]
HostName = Annotated[str, _check(host_error)]
PortNumber = Annotated[int, _check(_port)]
Zone = Annotated[str, _check(_zone)]
Cores = Annotated[float, _check(_cores)]
AmountOfBytes = Annotated[Bytes, _check(_amount)]
LinkSpeed = Annotated[int, msgspec.Meta(extra={"parse": parse_link}, extra_json_schema={"exclusiveMinimum": 0})]
ReservedCores = Annotated[float, _check(_reserved_cores)]
ReservedBytes = Annotated[Bytes, _check(_reserved_bytes)]
Folder = Annotated[str, _check(_folder)]
DockerHost = Annotated[str, _check(_docker_host)]
SshUser = Annotated[str, _check(_ssh_user)]
Heartbeat = Annotated[
    Seconds,
    _between(0.1, 60, "the leader would do little else than answer agents", "a lost node would go unnoticed too long"),
]
DownAfter = Annotated[
    Seconds,
    _between(0.2, 3600, "every pause of a node would count as its loss", "its tasks would be gone for an hour"),
]
Election = Annotated[
    Seconds,
    _between(
        0.1,
        30,
        "a busy moment of the leader would cost it its office",
        "the cluster would stand still that long without it",
    ),
]
CertificateLife = Annotated[Seconds, _check(_certificate_life)]
SnapshotEvery = Annotated[Seconds, _check(_snapshot_every)]
SnapshotNumber = Annotated[int, msgspec.Meta(ge=1, le=1000)]
SnapshotDays = Annotated[int, msgspec.Meta(ge=0, le=366)]
