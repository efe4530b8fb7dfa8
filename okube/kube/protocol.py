"""What kube-scheduler sends to an extender and expects back, as far as it matters here; the rest is passed over.

The outer keys are names of Go fields; inside, objects have the names of the v1 API, and come without their kind. With
``nodeCacheCapable`` nodes are sent and answered by name, without it whole.
"""

import msgspec

__all__ = ["Args", "FilterAnswer", "HostPriority", "Metadata", "Node", "NodeList", "Pod", "PodSpec", "PodStatus"]


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """Of any object."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class PodSpec(msgspec.Struct, frozen=True, rename="camel"):
    """Where a pod is; empty until it is bound."""

    node_name: str = ""


class PodStatus(msgspec.Struct, frozen=True):
    """How far a pod has come."""

    phase: str = ""


class Pod(msgspec.Struct, frozen=True):
    """A pod."""

    metadata: Metadata
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def key(self) -> str:
        """What tells it from any other pod, also from one of the same name later."""
        return self.metadata.uid or f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def gone(self) -> bool:
        """Whether it has ended or is being deleted: nobody should move towards it any more."""
        return self.status.phase in ("Succeeded", "Failed") or self.metadata.deletion_timestamp is not None


class Node(msgspec.Struct, frozen=True):
    """A node."""

    metadata: Metadata


class NodeList(msgspec.Struct, frozen=True):
    """Whole nodes, as they came: those that are answered go back byte for byte."""

    items: list[msgspec.Raw] | None = None


class Args(msgspec.Struct, frozen=True, rename="pascal"):
    """The body of a filter or prioritize call."""

    pod: Pod
    nodes: NodeList | None = None
    node_names: list[str] | None = None


class FilterAnswer(msgspec.Struct, frozen=True, rename="pascal"):
    """Which nodes fit, and why the others do not; with an ``error`` the pod is not placed at all.

    Preemption is not tried on a node that is told as unresolvable.
    """

    nodes: NodeList | None = None
    node_names: list[str] | None = None
    failed_nodes: dict[str, str] = {}
    failed_and_unresolvable_nodes: dict[str, str] = {}
    error: str = ""


class HostPriority(msgspec.Struct, frozen=True, rename="pascal", gc=False):
    """How much a node is wanted: 0 to 10."""

    host: str
    score: int
