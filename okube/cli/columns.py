"""Which facts of a service, task, node or manager stand in a table, and how they read."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from okube.cli.table import Column
from okube.client.api import ENDED
from okube.model.quantities import format_bytes, format_seconds

__all__ = ["COLUMNS", "age", "columns_of", "moment_of", "ports", "task_state", "text"]

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
    then = moment_of(value)
    if then is None:
        return value if isinstance(value, str) else ""
    return format_seconds(float(int(max(0.0, now_ms / 1000 - then.timestamp())))).replace("0ms", "0s")


def moment_of(value: object) -> datetime | None:
    """A time of the API; UTC where it does not say."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


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


def ports(row: Row) -> str:
    """``8080:80``, and ``any:80`` where a host port is not chosen yet."""
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
    return lambda row: _bytes_used(row, used, whole) if row.get(whole) else ""


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
        Column("PORTS", ports, optional=True),
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
        Column("PORTS", ports, optional=True),
        Column("VERSION", _field("version"), right=True, wide=True),
        Column("CPUS", _field("cpus"), right=True, wide=True),
        Column("MEMORY", lambda row: _bytes(row.get("memory")), right=True, wide=True),
        Column("EXIT", _field("exit_code"), right=True, wide=True, optional=True),
        Column("RESTARTS", lambda row: text(row.get("restarts") or ""), right=True, optional=True),
        Column("AGE", _age("created_at", now_ms), right=True),
        Column("WHY", _field("placement"), wide=True, optional=True),
        Column("MESSAGE", _message, optional=True, below=True),
    )


def _history(now_ms: int) -> Sequence[Column]:
    return (
        Column("TASK", _field("name")),
        Column("ID", _field("id")),
        Column("STATE", task_state),
        Column("NODE", _field("node")),
        Column("VERSION", _field("version"), right=True),
        Column("RESTARTS", lambda row: text(row.get("restarts") or ""), right=True, optional=True),
        Column("EXIT", _field("exit_code"), right=True, optional=True),
        Column("ENDED", _age("ended_at", now_ms), right=True),
        Column("MESSAGE", _message, optional=True, below=True),
    )


def _versions(now_ms: int) -> Sequence[Column]:
    return (
        Column("VERSION", _field("version"), right=True),
        Column("IMAGE", _field("image"), gives_way=True),
        Column("COMMAND", lambda row: " ".join(text(word) for word in row.get("command") or []), optional=True),
        Column("AGE", _age("created_at", now_ms), right=True, optional=True),
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


def _apps(_now_ms: int) -> Sequence[Column]:
    return (
        Column("APP", _field("name")),
        Column("STATE", _field("state")),
        Column("READY", _app_ready, right=True),
        Column("TASKS", _field("tasks"), right=True, wide=True),
        Column("SERVICES", _field("services"), gives_way=True),
    )


def _app_ready(row: Row) -> str:
    return f"{text(row.get('ready'))}/{text(row.get('wanted'))}"


def _events(now_ms: int) -> Sequence[Column]:
    return (
        Column("TIME", lambda row: _clock(row.get("time"), now_ms), least=8),
        Column(
            "LEVEL", lambda row: "" if row.get("level") == "info" else text(row.get("level")), least=7, optional=True
        ),
        Column("KIND", _field("kind"), least=16),
        Column("SUBJECT", lambda row: text(row.get("subject")) or text(row.get("subject_kind")), least=12),
        Column("NODE", _field("node"), wide=True, optional=True),
        Column("BY", _field("by"), wide=True, optional=True),
        Column("REASON", _field("reason"), wide=True, optional=True),
        Column("MESSAGE", _event_message, optional=True, below=True),
    )


def _clock(value: object, now_ms: int) -> str:
    """When it was, as the clock on this machine's wall has it; with the day where that is another."""
    moment = moment_of(value)
    if moment is None:
        return text(value)
    local, now = moment.astimezone(), datetime.fromtimestamp(now_ms / 1000).astimezone()
    return local.strftime("%H:%M:%S" if local.date() == now.date() else "%d %b %H:%M")


def _event_message(row: Row) -> str:
    count = row.get("count")
    parts = [
        text(row.get("message")),
        f"({count} times)" if isinstance(count, int) and count > 1 else "",
    ]
    return " ".join(part for part in parts if part)


def _usage_nodes(_now_ms: int) -> Sequence[Column]:
    return (
        Column("NODE", _field("name")),
        Column("CORES", lambda row: _used(row, "cpus", "cores"), right=True),
        Column("CPU", lambda row: _share(row.get("cpus"), row.get("cores")), right=True),
        Column("MEMORY", lambda row: _bytes_used(row, "memory", "memory_total"), right=True),
        Column("MEM", lambda row: _share(row.get("memory"), row.get("memory_total")), right=True),
        Column("DISK", lambda row: _bytes_used(row, "disk", "disk_total"), right=True),
        Column("FULL", lambda row: _share(row.get("disk"), row.get("disk_total")), right=True),
    )


def _usage_tasks(_now_ms: int) -> Sequence[Column]:
    return (
        Column("TASK", _field("name")),
        Column("NODE", _field("node")),
        Column("CORES", lambda row: _figure(row.get("cpus")), right=True),
        Column("MEMORY", lambda row: _bytes(row.get("memory")) or "0", right=True),
        Column("LIMIT", lambda row: _bytes(row.get("memory_limit")), right=True, optional=True),
        Column("MEM", lambda row: _share(row.get("memory"), row.get("memory_limit")), right=True, optional=True),
    )


def _figure(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else ""


def _used(row: Row, used: str, whole: str) -> str:
    return f"{_figure(row.get(used))} of {text(row.get(whole))}" if row.get(whole) else _figure(row.get(used))


def _bytes_used(row: Row, used: str, whole: str) -> str:
    """``2.0 of 8.0 GiB``: the unit once where it is the same."""
    part, total = _bytes(row.get(used)) or "0", _bytes(row.get(whole))
    if not total:
        return part
    figure, _, unit = part.partition(" ")
    return f"{figure} of {total}" if total.endswith(f" {unit}") else f"{part} of {total}"


def _share(used: object, whole: object) -> str:
    if isinstance(used, int | float) and isinstance(whole, int | float) and whole:
        return f"{100 * used / whole:.0f} %"
    return ""


def _actions(_now_ms: int) -> Sequence[Column]:
    return (Column("SERVICE", _field("name")), Column("ACTION", _field("action")))


COLUMNS: dict[str, Callable[[int], Sequence[Column]]] = {
    "services": _services,
    "tasks": _tasks,
    "nodes": _nodes,
    "managers": _managers,
    "history": _history,
    "versions": _versions,
    "apps": _apps,
    "events": _events,
    "usage of nodes": _usage_nodes,
    "usage of tasks": _usage_tasks,
    "actions": _actions,
    "removed": lambda _: (Column("NODE", _field("name")), Column("ACTION", _field("action"))),
}
