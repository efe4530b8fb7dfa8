"""A task as what the engine makes a container from, and the engine's answers as containers (API 1.41 and later)."""

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from okube.model.spec import ServiceSpec, Volume
from okube.model.wire import AssignedTask
from okube.worker.runtime.base import Container, ContainerState
from okube.worker.runtime.lines import LogBounds
from okube.worker.runtime.naming import TASK_LABEL, TASK_VARIABLE, labels_of, volume_name
from okube.worker.runtime.provided import NOTHING, Provided

__all__ = ["container_body", "read_container", "read_state", "read_time_ms"]

_NONE: Mapping[str, str] = MappingProxyType({})
_RUNNING = frozenset({"running", "paused", "restarting"})


def container_body(
    task: AssignedTask,
    *,
    cluster_id: str,
    node: str,
    processors: float,
    logs: LogBounds,
    provided: Provided = NOTHING,
    environ: Mapping[str, str] = _NONE,
) -> dict[str, Any]:
    """What the engine needs to make the task's container.

    A limit of more cores than the machine has is cut to what it has (``processors``), which limits just the same; the
    engine would refuse it. ``environ`` are variables that the task is given beside those of its service.
    """
    spec = task.spec
    labels = labels_of(task, cluster_id=cluster_id, node=node)
    bindings = _port_bindings(spec, task.host_ports)
    host: dict[str, Any] = {
        "PortBindings": bindings,
        "Mounts": [
            *(_mount(volume, cluster_id, labels) for volume in spec.volumes),
            *(_bind(source, target) for source, target in provided.links),
        ],
        "RestartPolicy": {"Name": "no"},  # the agent restarts, with its own back-off
        "LogConfig": {"Type": "json-file", "Config": {"max-size": str(logs.bytes), "max-file": str(logs.files)}},
    }
    most_cpus, most_memory = spec.resources.most_cpus, spec.resources.most_memory
    if most_cpus:
        host["NanoCpus"] = int(min(most_cpus, processors or most_cpus) * 1e9)
    if most_memory:
        host["Memory"] = host["MemorySwap"] = most_memory  # equal: no swap on top
    body: dict[str, Any] = {
        "Image": spec.image,
        "Env": [f"{key}={value}" for key, value in {**spec.env, **environ, TASK_VARIABLE: task.id}.items()],
        "Labels": labels,
        "ExposedPorts": {port: {} for port in bindings},
        "StopSignal": spec.stop.signal,
        "StopTimeout": math.ceil(spec.stop.grace),  # for those who stop it by hand
        "HostConfig": host,
    }
    if spec.mounts("secret"):
        host["Ulimits"] = [{"Name": "core", "Soft": 0, "Hard": 0}]  # what it holds in memory comes on no disk
    if spec.command:
        body["Cmd"] = list(spec.command)
    return body


def read_container(data: dict[str, Any]) -> Container:
    """The engine's answer to ``inspect``."""
    now = data["State"]
    state = read_state(now["Status"])
    started_ms, ended_ms = read_time_ms(now["StartedAt"]), read_time_ms(now["FinishedAt"])
    if state == "exited" and started_ms and ended_ms:
        started_ms = min(started_ms, ended_ms)  # the engine notes the start late, and the end of a short run before it
    return Container(
        id=data["Id"],
        task_id=data["Config"]["Labels"].get(TASK_LABEL, ""),
        state=state,
        exit_code=now["ExitCode"] if state == "exited" else None,
        oom_killed=bool(now["OOMKilled"]) and state == "exited",
        started_ms=started_ms,
        ended_ms=ended_ms if state == "exited" else None,
        error=now["Error"],
        stop_signal=data["Config"].get("StopSignal") or "SIGTERM",
        paused=now["Status"] == "paused",
    )


def read_state(status: str) -> ContainerState:
    """The engine's word for a container's state as one of our three."""
    if status in _RUNNING:
        return "running"
    return "created" if status == "created" else "exited"


def read_time_ms(text: str) -> int | None:
    """Milliseconds since 1970 of an RFC 3339 time with up to nanoseconds; None for the engine's zero, year 1."""
    time = datetime.fromisoformat(text)
    return int(time.timestamp() * 1000) if time.year > 1 else None


def _port_bindings(spec: ServiceSpec, host_ports: tuple[int, ...]) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for n, port in enumerate(spec.ports):
        host = host_ports[n] if n < len(host_ports) else port.host
        bindings.setdefault(f"{port.container}/{port.protocol}", []).append({"HostPort": str(host or "")})
    return bindings


def _bind(source: Path, target: str) -> dict[str, Any]:
    return {"Type": "bind", "Source": str(source), "Target": target, "ReadOnly": True}


def _mount(volume: Volume, cluster_id: str, labels: dict[str, str]) -> dict[str, Any]:
    mount: dict[str, Any] = {"Target": volume.target, "ReadOnly": volume.read_only}
    if "/" in volume.source:
        return {**mount, "Type": "bind", "Source": volume.source}
    mine = {key: value for key, value in labels.items() if key == "okube.cluster"}
    name = volume_name(cluster_id, volume.source)
    return {**mount, "Type": "volume", "Source": name, "VolumeOptions": {"Labels": mine}}
