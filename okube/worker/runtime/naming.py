"""How containers and volumes of one cluster are named and labelled, so that they are found again and never confused."""

from okube.model.wire import AssignedTask

__all__ = [
    "APP_LABEL",
    "CLUSTER_LABEL",
    "NODE_LABEL",
    "SERVICE_LABEL",
    "SLOT_LABEL",
    "TASK_LABEL",
    "TASK_VARIABLE",
    "container_name",
    "labels_of",
    "volume_name",
]

CLUSTER_LABEL = "okube.cluster"
NODE_LABEL = "okube.node"
TASK_LABEL = "okube.task"
SERVICE_LABEL = "okube.service"
SLOT_LABEL = "okube.slot"
APP_LABEL = "okube.app"
TASK_VARIABLE = "OKUBE_TASK"
"""The environment variable that tells a task its id; the process runtime knows its processes by it."""


def container_name(cluster_id: str, task_id: str) -> str:
    """The name that makes creating a task's container twice impossible."""
    return f"okube-{cluster_id[:8]}-{task_id}"


def volume_name(cluster_id: str, name: str) -> str:
    """A named volume as the engine knows it: clusters that share an engine do not share volumes."""
    return f"okube-{cluster_id[:8]}-{name}"


def labels_of(task: AssignedTask, *, cluster_id: str, node: str) -> dict[str, str]:
    """What a container carries so that its agent finds it again."""
    return {
        CLUSTER_LABEL: cluster_id,
        NODE_LABEL: node,
        TASK_LABEL: task.id,
        SERVICE_LABEL: task.service,
        SLOT_LABEL: str(task.slot),
        APP_LABEL: task.app or "",
    }
