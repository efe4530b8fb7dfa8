"""Commands for nodes: what their agents say of them, what the leader finds, and what people decide."""

import msgspec

from okube.model.node import Availability, NodeState

__all__ = ["RegisterNode", "ReleaseNodes", "RemoveNode", "SetNodeConditions", "SetNodeState", "UpdateNode"]


class RegisterNode(msgspec.Struct, frozen=True, array_like=True, tag="register-node/1"):
    """An agent says what its machine is; labels and zone count only when the node is new.

    Region and rack count as long as the node has none, named resources until people have set them.
    """

    name: str
    instance: str
    address: str
    labels: dict[str, str]
    zone: str
    cores: float
    memory: int
    disk: int
    runtime: str
    software: str
    role: str = "worker"
    machine_id: str = ""
    knows: int = 0
    region: str = ""
    rack: str = ""
    named: dict[str, int] = {}
    platform: str = ""


class UpdateNode(msgspec.Struct, frozen=True, array_like=True, tag="update-node/1"):
    """Change what people decide about a node; None leaves a thing as it is."""

    name: str
    availability: Availability | None = None
    labels: dict[str, str] | None = None
    zone: str | None = None
    if_match: int | None = None
    by: str = ""
    address: str | None = None
    region: str | None = None
    rack: str | None = None
    named: dict[str, int] | None = None


class SetNodeState(msgspec.Struct, frozen=True, array_like=True, tag="set-node-state/1"):
    """What the leader has found about nodes: ready or down. ``instances`` guard against a node made anew."""

    names: tuple[str, ...]
    instances: tuple[str, ...]
    state: NodeState


class SetNodeConditions(msgspec.Struct, frozen=True, array_like=True, tag="set-node-conditions/1"):
    """What is wrong with a machine now, as its agent says: kinds and sentences; what is not named any more is over."""

    name: str
    instance: str
    conditions: tuple[tuple[str, str], ...]


class ReleaseNodes(msgspec.Struct, frozen=True, array_like=True, tag="release-nodes/1"):
    """Nodes that came and went too often get new tasks again, where the time for that has come."""

    names: tuple[str, ...]


class RemoveNode(msgspec.Struct, frozen=True, array_like=True, tag="remove-node/1"):
    """Forget a node; what it still held is failed (node-lost). A node that is ready is not forgotten.

    With ``bar`` it is, and its instance is never let in again: its machine is not trusted any more.
    """

    name: str
    if_match: int | None = None
    by: str = ""
    bar: bool = False
