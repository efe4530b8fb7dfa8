"""How facts of the API read in a cell of a table."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from okube.client.workloads import ENDED
from okube.model.quantities import format_bytes, format_seconds

__all__ = [
    "age",
    "age_of",
    "app_ready",
    "availability",
    "bit_rate",
    "bytes_out_of",
    "clock_of",
    "counts_out_of",
    "event_message",
    "field",
    "figure",
    "message_of",
    "moment_of",
    "named_of_quota",
    "node_message",
    "of_quota",
    "out_of",
    "ports",
    "ready_of",
    "resource",
    "round_trip",
    "share",
    "size",
    "task_state",
    "text",
    "update_of",
    "used_of",
]

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


def field(name: str) -> Cell:
    """The value of a field."""
    return lambda row: text(row.get(name))


def age_of(name: str, now_ms: int) -> Cell:
    """How long ago the time in a field was."""
    return lambda row: age(row.get(name), now_ms)


def size(value: object) -> str:
    """Bytes in the unit that a person would use; nothing for none."""
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


def ready_of(row: Row) -> str:
    """``2/3``: how many of a service are ready."""
    return f"{text(row.get('running'))}/{_wanted(row)}"


def update_of(row: Row) -> str:
    """How far a service's update is; slots that failed for good are told, for nothing tries them again."""
    update = row.get("update")
    if not isinstance(update, dict):
        return ""
    state = text(update.get("state"))
    if state == "done" and update.get("failed"):
        return f"{text(update['failed'])} failed"
    return f"{state} {text(update.get('done'))}/{text(update.get('total'))}" if state == "rolling" else state


def out_of(used: str, whole: str) -> Cell:
    """``1.5/4``."""
    return lambda row: f"{text(row.get(used))}/{text(row.get(whole))}"


def bytes_out_of(used: str, whole: str) -> Cell:
    """``2.0 of 8.0 GiB``."""
    return lambda row: _bytes_used(row, used, whole) if row.get(whole) else ""


def counts_out_of(used: str, whole: str) -> Cell:
    """``gpu 1/2``: so many of each named resource, in use of all; those that are in use and not there too."""

    def cell(row: Row) -> str:
        taken, there = row.get(used) or {}, row.get(whole) or {}
        return " ".join(f"{name} {taken.get(name, 0)}/{there.get(name, 0)}" for name in sorted({*there, *taken}))

    return cell


def of_quota(name: str, shown: Callable[[Any], str]) -> Cell:
    """``3/10``: what is asked for of what a quota allows; nothing where it limits nothing."""

    def cell(row: Row) -> str:
        most, used = (row.get("limits") or {}).get(name), (row.get("used") or {}).get(name)
        return "" if most is None else f"{shown(used or 0)}/{shown(most)}"

    return cell


def named_of_quota(row: Row) -> str:
    """The same for all named resources: ``gpu 1/2``."""
    most, used = (((row.get(key) or {}).get("named") or {}) for key in ("limits", "used"))
    return " ".join(f"{name} {used.get(name, 0)}/{count}" for name, count in sorted(most.items()))


def availability(row: Row) -> str:
    """The state of a node, and what keeps new tasks from it."""
    availability = text(row.get("availability"))
    parts = [text(row.get("state"))]
    parts += [availability] if availability not in ("", "active") else []
    parts += ["held"] if row.get("held_until") else []
    return ", ".join([*parts, *(text(condition.get("kind")) for condition in _conditions(row))])


def node_message(row: Row) -> str:
    """What there is to say about a node."""
    said = [text(row.get("message")), *(text(condition.get("message")) for condition in _conditions(row))]
    return "; ".join(sentence for sentence in said if sentence)


def _conditions(row: Row) -> list[Row]:
    found = row.get("conditions")
    return [condition for condition in found if isinstance(condition, dict)] if isinstance(found, list) else []


def resource(name: str) -> Cell:
    """One of the resources that a service asks for."""
    return lambda row: text((row.get("resources") or {}).get(name))


def message_of(row: Row) -> str:
    """What there is to say about a task; one that has ended says why first."""
    reason, message = text(row.get("reason")), text(row.get("message"))
    if row.get("state") not in ENDED or not reason or message.replace(" ", "-").startswith(reason):
        return message
    return f"{reason}: {message}" if message else reason


def app_ready(row: Row) -> str:
    """``3/4``: how many tasks of an app are ready."""
    return f"{text(row.get('ready'))}/{text(row.get('wanted'))}"


def clock_of(value: object, now_ms: int) -> str:
    """When it was, as the clock on this machine's wall has it; with the day where that is another."""
    moment = moment_of(value)
    if moment is None:
        return text(value)
    local, now = moment.astimezone(), datetime.fromtimestamp(now_ms / 1000).astimezone()
    return local.strftime("%H:%M:%S" if local.date() == now.date() else "%d %b %H:%M")


def event_message(row: Row) -> str:
    """What happened, and how often."""
    count = row.get("count")
    parts = [
        text(row.get("message")) or text(row.get("reason")),
        f"({count} times)" if isinstance(count, int) and count > 1 else "",
    ]
    return " ".join(part for part in parts if part)


def figure(value: object) -> str:
    """Two decimals."""
    return f"{value:.2f}" if isinstance(value, int | float) else ""


def used_of(row: Row, used: str, whole: str) -> str:
    """``0.50 of 4``."""
    return f"{figure(row.get(used))} of {text(row.get(whole))}" if row.get(whole) else figure(row.get(used))


def _bytes_used(row: Row, used: str, whole: str) -> str:
    """``2.0 of 8.0 GiB``: the unit once where it is the same."""
    part, total = size(row.get(used)) or "0", size(row.get(whole))
    if not total:
        return part
    figure, _, unit = part.partition(" ")
    return f"{figure} of {total}" if total.endswith(f" {unit}") else f"{part} of {total}"


def share(used: object, whole: object) -> str:
    """Per cent."""
    if isinstance(used, int | float) and isinstance(whole, int | float) and whole:
        return f"{100 * used / whole:.0f} %"
    return ""


def round_trip(name: str) -> Cell:
    """A time in seconds as milliseconds, with three figures: ``0.214 ms``, ``10.3 ms``, ``128 ms``."""

    def cell(row: Row) -> str:
        seconds = row.get(name)
        if not isinstance(seconds, int | float):
            return ""
        ms = seconds * 1000
        decimals = 0 if ms >= 99.95 else 1 if ms >= 9.995 else 2 if ms >= 0.9995 else 3
        return f"{ms:.{decimals}f} ms"

    return cell


def bit_rate(name: str) -> Cell:
    """Bits a second in the largest unit that leaves at least 1: ``10 Gbit/s``, ``2.4 Mbit/s``."""

    def cell(row: Row) -> str:
        bits = row.get(name)
        if not isinstance(bits, int | float):
            return ""
        for unit, factor in (("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3)):
            if bits >= factor * 0.9995:
                return f"{bits / factor:.3g} {unit}"
        return f"{bits:.0f} bit/s"

    return cell
