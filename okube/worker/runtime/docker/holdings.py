"""What the engine has of containers, volumes and endpoints; everything here blocks and belongs in threads."""

import time
from collections import Counter
from typing import Any

import msgspec
from docker import APIClient
from docker.errors import NotFound

from okube.worker.runtime.base import Container
from okube.worker.runtime.docker.body import read_container, read_state
from okube.worker.runtime.docker.kernel_log import killed_for_memory
from okube.worker.runtime.naming import CLUSTER_LABEL

__all__ = ["as_it_is", "foreign_clusters", "inspect", "is_doubtful", "list_containers", "take_out_of_network"]

_KILLED = 137  # 128 + SIGKILL


def list_containers(sdk: APIClient, labels: list[str], known: dict[str, Container]) -> list[Container]:
    """All with ``labels``; those that are known and still in the same state are not inspected again."""
    found = []
    for summary in sdk.containers(all=True, filters={"label": labels}):
        container = known.get(summary["Id"])
        if summary["State"] == "removing":
            continue
        seen = (read_state(summary["State"]), summary["State"] == "paused")
        if container is None or (container.state, container.paused) != seen:
            data = inspect(sdk, summary["Id"])
            container = as_it_is(data) if data is not None else None
        if container is not None:
            found.append(container)
    return found


def foreign_clusters(sdk: APIClient, cluster_id: str) -> dict[str, tuple[int, int]]:
    """How many containers and volumes there are of each other cluster, by its id."""
    filters = {"label": [CLUSTER_LABEL]}
    containers = Counter(found["Labels"][CLUSTER_LABEL] for found in sdk.containers(all=True, filters=filters))
    volumes = Counter(
        (found.get("Labels") or {}).get(CLUSTER_LABEL, "") for found in sdk.volumes(filters=filters)["Volumes"] or ()
    )
    others = (containers.keys() | volumes.keys()) - {cluster_id, ""}
    return {other: (containers[other], volumes[other]) for other in sorted(others)}


def inspect(sdk: APIClient, container: str) -> dict[str, Any] | None:
    """All that the engine knows of a container, or None if it is gone."""
    try:
        data: dict[str, Any] = sdk.inspect_container(container)
    except NotFound:
        return None
    return data


def is_doubtful(data: dict[str, Any]) -> bool:
    """Whether a container with a limit of memory ended by SIGKILL, and the engine blames no lack of memory."""
    container = read_container(data)
    return container.exit_code == _KILLED and not container.oom_killed and bool(data["HostConfig"].get("Memory"))


def as_it_is(data: dict[str, Any]) -> Container:
    """A container of this machine as the engine tells it, and the kernel where the engine missed a lack of memory."""
    container = read_container(data)
    if container.started_ms is None or not is_doubtful(data):
        return container
    ran_for_s = time.time() - container.started_ms / 1000  # by the calendar, as the engine's own times
    return msgspec.structs.replace(container, oom_killed=killed_for_memory(container.id, ran_for_s))


def take_out_of_network(sdk: APIClient, container: str, network: str) -> None:
    """Remove the endpoint that an engine left in a network when it went down in the middle of a start.

    Endpoints bear the names of their containers. The engine deletes one by force only where it knows no container of
    that name, so this one has another name meanwhile.
    """
    name = sdk.inspect_container(container)["Name"].lstrip("/")
    sdk.rename(container, f"{name}-out")
    try:
        sdk.disconnect_container_from_network(name, network, force=True)
    finally:
        sdk.rename(container, name)
