"""Which facts of a service, task, node or manager stand in a table, and how they read."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from okube.cli.table import Column
from okube.model.quantities import format_bytes, format_seconds
from okube.model.task import ENDED

__all__ = ["COLUMNS", "age", "columns_of", "task_state", "text"]

Row = dict[str, Any]
Cell = Callable[[Row], str]


def text(value: object) -> str:
    """A value as a cell: nothing for None, ``yes`` and ``no``, lists with commas, labels as ``k=v``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return ",".join(f"{k}={text(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ",".join(text(item) for item in value)
    return str(value)


def age(value: object, now_ms: int) -> str:
    """How long ago a time of the API was: ``4m``; nothing for none."""
    if not isinstance(value, str):
        return ""
    try:
        then = datetime.fromisoformat(value)
    except ValueError:
        return value
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return format_seconds(float(int(max(0.0, now_ms / 1000 - then.timestamp())))).replace("0ms", "0s")


def task_state(task: Row) -> str:
    """The state in a word: a running task that does not serve yet, or is being stopped, says so."""
    state = text(task.get("state"))
    if state in ("pending", "scheduled", "running") and task.get("desired") == "stop":
        return "stopping"
    if state == "running" and task.get("ready") is False:
        return "not ready"
    return state


def columns_of(kind: str, now_ms: int) -> Sequence[Column]:
    """The columns for ``services``, ``tasks``, ``nodes`` or ``managers``, with ages seen from now."""
    return COLUMNS[kind](now_ms)


def _field(name: str) -> Cell:
    return lambda row: text(row.get(name))


def _age(name: str, now_ms: int) -> Cell:
    return lambda row: age(row.get(name), now_ms)


def _bytes(value: object) -> str:
    return format_bytes(int(value)) if isinstance(value, int | float) and value else ""


def _ports(row: Row) -> str:
    found = row.get("ports")
    if not isinstance(found, list):
        return ""
    return ",".join(_port(p) for p in found if isinstance(p, dict))


def _port(port: Row) -> str:
    host = text(port.get("host")) if port.get("host") else "any"
    protocol = "" if port.get("protocol", "tcp") == "tcp" else f"/{port['protocol']}"
    return f"{host}:{text(port.get('container'))}{protocol}"


def _wanted(row: Row) -> str:
    update = row.get("update")
    total = update.get("total") if isinstance(update, dict) else None
    return text(row.get("replicas") if total is None else total)


def _ready_of(row: Row) -> str:
    return f"{text(row.get('running'))}/{_wanted(row)}"


def _update(row: Row) -> str:
    update = row.get("update")
    if not isinstance(update, dict):
        return ""
    state = text(update.get("state"))
    return f"{state} {text(update.get('done'))}/{text(update.get('total'))}" if state == "rolling" else state


def _of(used: str, whole: str) -> Cell:
    return lambda row: f"{text(row.get(used))}/{text(row.get(whole))}"


def _bytes_of(used: str, whole: str) -> Cell:
    def cell(row: Row) -> str:
        total = row.get(whole)
        return f"{_bytes(row.get(used)) or '0'} of {_bytes(total)}" if total else ""

    return cell


def _availability(row: Row) -> str:
    state, availability = text(row.get("state")), text(row.get("availability"))
    return state if availability in ("", "active") else f"{state}, {availability}"


def _resource(name: str) -> Cell:
    return lambda row: text((row.get("resources") or {}).get(name))


def _message(row: Row) -> str:
    """What there is to say about a task; one that has ended says why first."""
    reason, message = text(row.get("reason")), text(row.get("message"))
    if row.get("state") not in ENDED or not reason or message.replace(" ", "-").startswith(reason):
        return message
    return f"{reason}: {message}" if message else reason


def _services(now_ms: int) -> Sequence[Column]:
    return (
        Column("SERVICE", _field("name")),
        Column("APP", _field("app"), optional=True),
        Column("MODE", _field("mode")),
        Column("READY", _ready_of, right=True),
        Column("UPDATE", _update),
        Column("VERSION", _field("version"), right=True, wide=True),
        Column("IMAGE", _field("image"), gives_way=True),
        Column("PORTS", _ports, optional=True),
        Column("CPUS", _resource("cpus"), right=True, wide=True),
        Column("MEMORY", lambda row: _bytes((row.get("resources") or {}).get("memory")), right=True, wide=True),
        Column("RESTART", lambda row: text((row.get("restart") or {}).get("policy")), wide=True),
        Column("BY", _field("created_by"), wide=True, optional=True),
        Column("LABELS", _field("labels"), wide=True, optional=True),
        Column("AGE", _age("created_at", now_ms), right=True),
    )


def _tasks(now_ms: int) -> Sequence[Column]:
    return (
        Column("TASK", _field("name")),
        Column("ID", _field("id"), wide=True),
        Column("STATE", task_state),
        Column("NODE", _field("node")),
        Column("IMAGE", _field("image"), gives_way=True),
        Column("PORTS", _ports, optional=True),
        Column("VERSION", _field("version"), right=True, wide=True),
        Column("CPUS", _field("cpus"), right=True, wide=True),
        Column("MEMORY", lambda row: _bytes(row.get("memory")), right=True, wide=True),
        Column("EXIT", _field("exit_code"), right=True, wide=True, optional=True),
        Column("RESTARTS", lambda row: text(row.get("restarts") or ""), right=True, optional=True),
        Column("AGE", _age("created_at", now_ms), right=True),
        Column("MESSAGE", _message, optional=True, below=True),
    )


def _nodes(now_ms: int) -> Sequence[Column]:
    return (
        Column("NODE", _field("name")),
        Column("STATE", _availability),
        Column("ZONE", _field("zone"), optional=True),
        Column("TASKS", _field("task_count"), right=True),
        Column("CORES", _of("cores_allocated", "cores"), right=True),
        Column("MEMORY", _bytes_of("memory_allocated", "memory"), right=True),
        Column("DISK", _bytes_of("disk_allocated", "disk"), right=True, wide=True),
        Column("ADDRESS", _field("address"), wide=True),
        Column("ROLE", _field("role"), wide=True),
        Column("RUNTIME", _field("runtime"), wide=True),
        Column("LABELS", _field("labels"), wide=True, optional=True),
        Column("SEEN", _age("last_seen", now_ms), right=True, optional=True),
    )


def _managers(_now_ms: int) -> Sequence[Column]:
    return (
        Column("MANAGER", _field("name")),
        Column("ADDRESS", _field("address")),
        Column("ROLE", _field("role")),
        Column("STATE", _field("state")),
        Column("REVISION", _field("revision"), right=True),
        Column("LAG", _field("lag"), right=True, optional=True),
    )


def _actions(_now_ms: int) -> Sequence[Column]:
    return (Column("SERVICE", _field("name")), Column("ACTION", _field("action")))


COLUMNS: dict[str, Callable[[int], Sequence[Column]]] = {
    "services": _services,
    "tasks": _tasks,
    "nodes": _nodes,
    "managers": _managers,
    "actions": _actions,
    "removed": lambda _: (Column("NODE", _field("name")), Column("ACTION", _field("action"))),
}
