"""Commands about nodes: register, update, state, release, remove."""

import msgspec

from okube.model.commands import RegisterNode, ReleaseNodes, RemoveNode, SetNodeConditions, SetNodeState, UpdateNode
from okube.model.errors import Conflict, NotFound
from okube.model.flapping import after_down, after_return, calmed, is_common, released
from okube.model.node import MAX_CONDITIONS, Condition, Node
from okube.state.queries import view_of_node
from okube.state.tables import Tables
from okube.state.tasks import end_task

__all__ = ["forget", "register", "release", "remove", "set_conditions", "set_state", "update"]

_json = msgspec.json.Encoder()
_MOST_BARRED = 1000


def register(tables: Tables, command: RegisterNode, now_ms: int) -> bytes:
    """Let a node in, or take what its agent says of the machine; another instance under its name is refused."""
    old = tables.nodes.get(command.name)
    if command.instance in tables.settings.barred:
        raise Conflict(
            f"{command.name} was removed from this cluster for good as instance {command.instance}: if its machine is "
            "to be trusted again, it joins with a new data directory"
        )
    if old is not None and old.id != command.instance:
        raise Conflict(
            f"{command.name} is registered as instance {old.id}, and this is {command.instance}: if its data was "
            f"wiped on purpose, run `okube nodes rm {command.name}` and it is let in as a new node"
        )
    base = old or Node(
        name=command.name,
        id=command.instance,
        address=command.address,
        role=command.role,
        labels=command.labels,
        zone=command.zone,
        joined_ms=now_ms,
    )
    new = msgspec.structs.replace(
        base,
        address=base.address if base.readdressed else command.address,
        cores=command.cores,
        memory=command.memory,
        disk=command.disk,
        runtime=command.runtime,
        software=command.software,
        machine_id=command.machine_id or base.machine_id,
        knows=command.knows,
        region=base.region or command.region,
        rack=base.rack or command.rack,
        named=base.named if base.named_set else command.named,
        platform=command.platform or base.platform,
    )
    if old is not None and not old.down_ms and new.state == "down":
        new = msgspec.structs.replace(
            new, state="ready", returned_ms=now_ms
        )  # it joined, and starts for the first time
    elif new.state == "down":
        new = after_return(new, now_ms, common=_is_common(tables, new))
    if new != old:
        tables.put_node(new)
    return b"null"


def update(tables: Tables, command: UpdateNode, now_ms: int) -> bytes:
    """Change what people decide about a node; to make it active lifts a hold as well. Answers the view."""
    del now_ms
    old = _named(tables, command.name, command.if_match)
    availability = old.availability if command.availability is None else command.availability
    if availability == "draining" and old.availability == "drained":
        availability = "drained"  # it is empty already; draining it again changes nothing
    new = msgspec.structs.replace(
        old,
        availability=availability,
        labels=old.labels if command.labels is None else command.labels,
        zone=old.zone if command.zone is None else command.zone,
        region=old.region if command.region is None else command.region,
        rack=old.rack if command.rack is None else command.rack,
        named=old.named if command.named is None else command.named,
        named_set=old.named_set or command.named is not None,
    )
    if command.availability == "active":
        new = calmed(new)
    if command.address is not None:
        new = _readdressed(tables, new, command.address)
    if new != old:
        tables.put_node(new)
    return _json.encode(view_of_node(tables, tables.nodes[command.name], None))


def set_state(tables: Tables, command: SetNodeState, now_ms: int) -> bytes:
    """Take what the leader has found: ready or down. Tasks of a node that is down are not ready."""
    for name, instance in zip(command.names, command.instances, strict=True):
        node = tables.nodes.get(name)
        if node is None or node.id != instance or node.state == command.state:
            continue
        if command.state == "down":
            tables.put_node(after_down(node, now_ms))
            _unready(tables, name)
        else:
            tables.put_node(after_return(node, now_ms, common=_is_common(tables, node)))
    return b"null"


def set_conditions(tables: Tables, command: SetNodeConditions, now_ms: int) -> bytes:
    """Take what an agent says is wrong with its machine; what was so before keeps the time since when it is."""
    node = tables.nodes.get(command.name)
    if node is None or node.id != command.instance:
        return b"null"
    since = {condition.kind: condition.since_ms for condition in node.conditions}
    said = dict(command.conditions[:MAX_CONDITIONS])
    conditions = tuple(Condition(kind, said[kind], since.get(kind, now_ms)) for kind in sorted(said))
    if conditions != node.conditions:
        tables.put_node(msgspec.structs.replace(node, conditions=conditions))
    return b"null"


def release(tables: Tables, command: ReleaseNodes, now_ms: int) -> bytes:
    """Holds that are over end."""
    for name in command.names:
        node = tables.nodes.get(name)
        if node is not None and 0 < node.held_until_ms <= now_ms:
            tables.put_node(released(node))
    return b"null"


def remove(tables: Tables, command: RemoveNode, now_ms: int) -> bytes:
    """Forget a node; what it held is failed (node-lost) and replaced elsewhere. Answers the view as it was."""
    node = _named(tables, command.name, command.if_match)
    if node.state == "ready" and not command.bar:
        raise Conflict(f"{node.name} is ready: drain it and stop its agent first, then remove it")
    answer = _json.encode(view_of_node(tables, node, None))
    forget(tables, node, now_ms)
    if command.bar:
        barred = (*tables.settings.barred, node.id)[-_MOST_BARRED:]
        tables.put_settings(msgspec.structs.replace(tables.settings, barred=barred))
    return answer


def forget(tables: Tables, node: Node, now_ms: int) -> None:
    """Know a node no more, however it is; what it held is failed (node-lost)."""
    for task_id in sorted(tables.tasks_on_node.get(node.name, ())):
        task = tables.tasks.get(task_id)
        if task is not None and not task.ended:
            end_task(tables, task, "failed", "node-lost", f"node {node.name} was removed", now_ms)
        if task is not None and task.pinned == node.name and task_id in tables.tasks:
            tables.delete_task(task_id)  # its slot goes with its node, so nothing else would bound its history
    tables.delete_node(node.name)


def _readdressed(tables: Tables, node: Node, address: str) -> Node:
    taken = next(
        (other for other in tables.nodes.values() if other.address == address and other.name != node.name), None
    )
    if taken is not None:
        raise Conflict(f"{address} is the address of node {taken.name}; readdress that one first, or take another port")
    return msgspec.structs.replace(node, address=address, readdressed=True)


def _is_common(tables: Tables, node: Node) -> bool:
    """Whether the node that is back now went down together with many others."""
    within_ms = tables.settings.node_down_after_ms
    together = sum(abs(other.down_ms - node.down_ms) <= within_ms for other in tables.nodes.values())
    return is_common(together, len(tables.nodes))


def _unready(tables: Tables, name: str) -> None:
    # In an order of their own: that of the index is the order of the last updates, which a snapshot does not keep.
    for task_id in sorted(tables.tasks_on_node.get(name, ())):
        task = tables.tasks[task_id]
        if not task.ended and task.ready:
            tables.put_task(msgspec.structs.replace(task, ready=False, message=f"node {name} is down"))


def _named(tables: Tables, name: str, if_match: int | None) -> Node:
    node = tables.nodes.get(name)
    if node is None:
        raise NotFound(f"there is no node {name}")
    if if_match is not None and node.revision != if_match:
        raise Conflict(f"node {name} is at revision {node.revision}, not {if_match}: read it again and retry")
    return node
