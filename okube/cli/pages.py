"""What ``inspect`` shows a person of one thing: a page of facts, then what belongs to it as tables."""

import textwrap
from collections.abc import Callable, Iterable
from typing import Any

from okube.cli.cells import age, moment_of, ports, task_state, text
from okube.cli.columns import columns_of
from okube.cli.differences import differences
from okube.cli.moments import clock
from okube.cli.table import render, width_of
from okube.model.mounts import Mount, path_of
from okube.model.quantities import format_bandwidth, format_bytes, format_round_trip
from okube.model.secret import SecretKind
from okube.model.task import ENDED

__all__ = ["PAGES", "page"]

Row = dict[str, Any]
Facts = list[tuple[str, str]]
_INDENT = "  "
_EVENTS = 8


def page(kind: str, found: Row, *, now_ms: int, width: int | None, wide: bool) -> list[str]:
    """The lines for one ``service``, ``task``, ``node``, ``app`` or ``manager``, whole as the API shows it.

    Args:
        kind: what it is.
        found: the thing, with ``tasks``, ``history``, ``services`` and ``events`` where they belong to it.
        now_ms: for ages.
        width: of the terminal; None cuts and wraps nothing.
        wide: as ``-o wide``.
    """
    title, facts = PAGES[kind](found, now_ms)
    lines = [title, *_facts(facts, width)]
    for heading, table, rows in _tables(kind, found):
        shown = render(
            rows, columns_of(table, now_ms), wide=wide, width=None if width is None else width - len(_INDENT)
        )
        lines += ["", f"{heading}:", *(f"{_INDENT}{line}" for line in shown)]
    return lines


def _facts(facts: Facts, width: int | None) -> list[str]:
    shown = [(name, value) for name, value in facts if value]
    column = max((width_of(name) for name, _ in shown), default=0) + 2
    lines = []
    for name, value in shown:
        room = None if width is None else max(20, width - len(_INDENT) - column)
        first, *rest = [value] if room is None else textwrap.wrap(value, room, break_on_hyphens=False) or [value]
        lines.append(f"{_INDENT}{name:<{column}}{first}")
        lines += [f"{_INDENT}{'':<{column}}{line}" for line in rest]
    return lines


def _tables(kind: str, found: Row) -> Iterable[tuple[str, str, list[Row]]]:
    events = _rows(found, "events")[-_EVENTS:]
    history = sorted(_rows(found, "history"), key=lambda t: str(t.get("created_at")), reverse=True)
    tasks = _rows(found, "tasks")
    live = [t for t in tasks if t.get("state") not in ENDED]
    ended = sorted((t for t in tasks if t.get("state") in ENDED), key=lambda t: str(t.get("ended_at")), reverse=True)
    slot = f"before it in slot {text(found.get('slot'))}"
    now = found.get("placement_now")
    now = now if isinstance(now, dict) else {}
    for heading, table, rows in (
        ("nodes that cannot take it now", "fallen", _rows(now, "fallen")),
        (_standing_title(now), "standings", [_standing(row) for row in _rows(now, "standings")]),
        ("services", "services", _rows(found, "services")),
        ("tasks" if kind != "node" else "what it holds", "tasks", live),
        ("ended lately", "history", ended[:5]),
        (slot, "history", history),
        ("versions", "versions", _versions(found)),
        ("events", "events", events),
    ):
        if rows:
            yield heading, table, rows


def _standing_title(now: Row) -> str:
    how = "compared" if now.get("exact") else "by cost"
    return (
        f"nodes that could, {how} ({text(now.get('policy'))}, {text(now.get('fitting'))} of {text(now.get('nodes'))})"
    )


def _standing(row: Row) -> Row:
    """A node with its scores in one cell, those that cost nothing left out."""
    terms = row.get("terms")
    told = [f"{name} {cost:.3g}" for name, cost in terms.items() if cost] if isinstance(terms, dict) else []
    return {**row, "cost": f"{float(row.get('cost') or 0):.4g}", "told": ", ".join(told)}


def _versions(found: Row) -> list[Row]:
    """The versions, each with what it changed; one alone tells nothing."""
    rows = _rows(found, "versions")
    before: Row | None = None
    told = []
    for row in rows:
        spec = row.get("spec")
        if not isinstance(spec, dict):
            continue
        paths = [] if before is None else [str(change["path"]) for change in differences(before, spec)]
        changed = "" if before is None else ", ".join(paths) or "nothing: a restart"
        told.append({**row, "image": spec.get("image"), "changed": changed})
        before = spec
    return told if len(told) > 1 else []


def _rows(found: Row, field: str) -> list[Row]:
    value = found.get(field)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _task(task: Row, now_ms: int) -> tuple[str, Facts]:
    node = f" on {task['node']}" if task.get("node") else ""
    is_over = task.get("state") in ENDED
    app = f" of app {task['app']}" if task.get("app") else ""
    return f"task {text(task.get('name'))}: {task_state(task)}{node}", [
        ("why", _why(task)),
        ("placed", text(task.get("placement"))),
        ("next", "" if is_over else _next(task)),
        (
            "service",
            f"{text(task.get('service'))}{app}, slot {text(task.get('slot'))}, version {text(task.get('version'))}",
        ),
        ("image", text(task.get("image"))),
        ("asks for", _asked(task)),
        ("ports", ports(task)),
        ("given", ", ".join(_given(one) for one in _rows(task, "given"))),
        ("restarts", _restarts(task)),
        ("exit code", text(task.get("exit_code"))),
        ("created", _moment(task.get("created_at"), now_ms)),
        ("started", _moment(task.get("started_at"), now_ms)),
        ("ended", _moment(task.get("ended_at"), now_ms)),
        ("id", text(task.get("id"))),
        ("container", _short(text(task.get("container_id")))),
    ]


def _short(container_id: str) -> str:
    """Docker's ids as Docker shows them."""
    return container_id[:12] if len(container_id) == 64 else container_id


def _why(task: Row) -> str:
    """Why it is nowhere, does not serve, or has ended."""
    reason, message = text(task.get("reason")), text(task.get("message"))
    if not reason or (reason == "no-fit" and message) or message.replace(" ", "-").startswith(reason):
        return message
    return f"{reason}: {message}" if message else reason


def _next(task: Row) -> str:
    if task.get("desired") == "stop":
        return "it is being stopped"
    state = task.get("state")
    if state == "pending" and not task.get("message"):
        return "a node is looked for"
    if state == "scheduled":
        return "its node starts it"
    return ""


def _restarts(task: Row) -> str:
    count, policy = task.get("restarts") or 0, text(task.get("restart_policy"))
    times = {0: "none", 1: "once"}.get(count, f"{count} times")
    return f"{times} so far; policy {policy}" if policy else times


def _service(service: Row, now_ms: int) -> tuple[str, Facts]:
    update = service.get("update") if isinstance(service.get("update"), dict) else {}
    assert isinstance(update, dict)
    resources = service.get("resources")
    restart, stop = service.get("restart"), service.get("stop")
    total = update.get("total", service.get("replicas"))
    return f"service {text(service.get('name'))}: {text(service.get('running'))} of {text(total)} ready", [
        ("app", text(service.get("app"))),
        ("mode", _mode(service)),
        ("update", _update(service, update)),
        ("image", text(service.get("image"))),
        ("command", " ".join(text(word) for word in service.get("command") or [])),
        ("asks for", _asked(resources if isinstance(resources, dict) else {})),
        ("ports", ports(service)),
        ("volumes", ", ".join(_volume(v) for v in service.get("volumes") or [])),
        ("secrets", ", ".join(_mount("secret", m) for m in service.get("secrets") or [])),
        ("configs", ", ".join(_mount("config", m) for m in service.get("configs") or [])),
        ("env", _pairs(service.get("env"))),
        ("constraints", ", ".join(text(c) for c in service.get("constraints") or [])),
        ("prefers", ", ".join(_preference(p) for p in service.get("prefer") or [])),
        ("near", ", ".join(_company(c) for c in service.get("affinity") or [])),
        ("apart from", ", ".join(_company(c) for c in service.get("anti_affinity") or [])),
        ("depends on", ", ".join(_dependency(d) for d in service.get("depends_on") or [])),
        ("a node", f"{text(service['max_per_node'])} at most" if service.get("max_per_node") else ""),
        ("priority", text(service.get("priority"))),
        ("labels", _pairs(service.get("labels"))),
        ("restart", _policy(restart if isinstance(restart, dict) else {})),
        ("stop", _stop(stop if isinstance(stop, dict) else {})),
        ("created", _moment(service.get("created_at"), now_ms, by=service.get("created_by"))),
        ("changed", _moment(service.get("updated_at"), now_ms)),
        ("id", text(service.get("id"))),
    ]


def _preference(wish: Row) -> str:
    return f"{text(wish.get('constraint'))} (weight {text(wish.get('weight'))})"


def _company(rule: Row) -> str:
    weight = f", weight {text(rule['weight'])}" if rule.get("weight") else ""
    return f"{text(rule.get('service'))} (within a {text(rule.get('within'))}{weight})"


def _dependency(dependency: Row) -> str:
    limits = []
    if dependency.get("condition") in ("started", "ready"):
        limits.append(f"once it is {text(dependency['condition'])}")
    if dependency.get("max_latency"):
        limits.append(f"within {format_round_trip(float(dependency['max_latency']))}")
    if dependency.get("min_bandwidth"):
        limits.append(f"at {format_bandwidth(int(dependency['min_bandwidth']))} or more")
    if dependency.get("traffic"):
        limits.append(f"traffic {format_bandwidth(int(dependency['traffic']))}")
    told = f" ({', '.join(limits)})" if limits else ""
    return text(dependency.get("service")) + told


def _mode(service: Row) -> str:
    mode = text(service.get("mode"))
    return f"{mode}, {text(service.get('replicas'))} asked for" if mode in ("replicated", "job") else mode


def _update(service: Row, update: Row) -> str:
    state, order = text(update.get("state")), text(update.get("order"))
    version = f"version {text(service.get('version'))}"
    if state == "stopped":
        return f"{version}, stopped; `okube start {text(service.get('name'))}` brings its tasks back"
    done = f"{text(update.get('done'))} of {text(update.get('total'))} tasks"
    how = {"stop-first": "the old task stops first", "start-first": "the new task starts first"}.get(order, order)
    failed = f", {text(update['failed'])} failed for good" if update.get("failed") else ""
    return f"{version}: {state}, {done}{failed}; {how}"


def _policy(restart: Row) -> str:
    limit = f", {text(restart['max'])} times at most" if restart.get("max") else ""
    return f"{text(restart.get('policy'))}{limit}"


def _stop(stop: Row) -> str:
    grace = stop.get("grace")
    return f"{text(stop.get('signal'))}, then {text(grace)} s before SIGKILL" if grace is not None else ""


def _volume(volume: object) -> str:
    if not isinstance(volume, dict):
        return text(volume)
    return f"{text(volume.get('source'))}:{text(volume.get('target'))}{':ro' if volume.get('read_only') else ''}"


def _given(one: Row) -> str:
    return f"{text(one.get('kind'))} {text(one.get('name'))}, version {text(one.get('version'))}"


def _mount(kind: SecretKind, mount: object) -> str:
    """``db-password at /run/secrets/db-password; SIGHUP when it is rotated``."""
    if not isinstance(mount, dict):
        return text(mount)
    given = Mount(text(mount.get("name")), text(mount.get("target")), env=mount.get("env"))
    where = [f"as ${given.env}"] if given.env else []
    where += [f"at {path_of(kind, given)}"] if given.is_file else []
    then = text(mount.get("on_rotate"))
    told = {"restart": "", "keep": " (stays when it is rotated)"}.get(then, f" ({then} when it is rotated)")
    return f"{given.name} {' and '.join(where)}{told}"


def _node(node: Row, now_ms: int) -> tuple[str, Facts]:
    state, availability = text(node.get("state")), text(node.get("availability"))
    conditions = _rows(node, "conditions")
    held = node.get("held_until")
    return f"node {text(node.get('name'))}: {state}{'' if availability == 'active' else ', ' + availability}", [
        ("why", text(node.get("message"))),
        ("held until", _moment(held, now_ms) if held else ""),
        *(("condition", f"{text(c.get('kind'))}: {text(c.get('message'))} ({_since(c, now_ms)})") for c in conditions),
        ("address", text(node.get("address"))),
        ("region", text(node.get("region"))),
        ("zone", text(node.get("zone"))),
        ("rack", text(node.get("rack"))),
        ("labels", _pairs(node.get("labels"))),
        ("cores", _free(node, "cores", "cores_allocated", lambda v: f"{v:g}")),
        ("memory", _free(node, "memory", "memory_allocated", lambda v: format_bytes(int(v)))),
        ("disk", _free(node, "disk", "disk_allocated", lambda v: format_bytes(int(v)))),
        *_named(node),
        ("tasks", text(node.get("task_count"))),
        ("last seen", _moment(node.get("last_seen"), now_ms)),
        ("certificate", f"until {text(node.get('certificate_ends'))[:10]}" if node.get("certificate_ends") else ""),
        ("runs", ", ".join(text(node[key]) for key in ("runtime", "role", "software", "platform") if node.get(key))),
        ("id", text(node.get("id"))),
    ]


def _since(condition: Row, now_ms: int) -> str:
    return _moment(condition.get("since"), now_ms).replace(" (", ", ").rstrip(")")


def _named(node: Row) -> Facts:
    """The named resources that a node offers, or holds though it offers them no more."""
    there, taken = node.get("named") or {}, node.get("named_allocated") or {}
    assert isinstance(there, dict)
    assert isinstance(taken, dict)
    return [
        (name, _free({"all": there.get(name, 0), "used": taken.get(name, 0)}, "all", "used", lambda v: f"{v:g}"))
        for name in sorted({*there, *taken})
    ]


def _free(node: Row, whole: str, promised: str, shown: Callable[[float], str]) -> str:
    total, taken = node.get(whole), node.get(promised)
    if not isinstance(total, int | float) or not isinstance(taken, int | float):
        return ""
    return f"{shown(max(0.0, total - taken))} free of {shown(total)}; {shown(taken)} promised"


def _app(app: Row, _now_ms: int) -> tuple[str, Facts]:
    ready = f"{text(app.get('ready'))} of {text(app.get('wanted'))} ready"
    return f"app {text(app.get('name'))}: {text(app.get('state'))}, {ready}", []


def _manager(manager: Row, _now_ms: int) -> tuple[str, Facts]:
    state = f"{text(manager.get('role'))}, {text(manager.get('state'))}"
    return f"manager {text(manager.get('name'))}: {state}", [
        (key, text(value)) for key, value in manager.items() if key not in ("name", "role", "state", "events")
    ]


def _asked(resources: Row) -> str:
    cpus, memory, disk = (resources.get(key) or 0 for key in ("cpus", "memory", "disk"))
    parts = [
        f"{cpus:g} {'core' if cpus == 1 else 'cores'}" if cpus else "",
        f"{format_bytes(int(memory))} of memory" if memory else "",
        f"{format_bytes(int(disk))} of disk" if disk else "",
        *(f"{text(count)} {name}" for name, count in sorted((resources.get("named") or {}).items())),
    ]
    limits = resources.get("limits")
    asked = ", ".join(part for part in parts if part)
    if isinstance(limits, dict):
        return f"{asked or 'nothing'}; may use {_limits(limits, resources)}"
    return asked or "nothing: no promise and no limit"


def _limits(limits: Row, resources: Row) -> str:
    """What a task may use, where that is not what it is promised."""
    cpus, memory = (resources.get(k) if limits.get(k) is None else limits[k] for k in ("cpus", "memory"))
    cores = f"{cpus:g} {'core' if cpus == 1 else 'cores'}" if cpus else "all cores"
    return f"{cores}, {format_bytes(int(memory)) if memory else 'all'} of memory"


def _pairs(pairs: object) -> str:
    return " ".join(f"{key}={text(value)}" for key, value in pairs.items()) if isinstance(pairs, dict) else ""


def _moment(value: object, now_ms: int, *, by: object = None) -> str:
    """``4m ago (2026-01-31 12:00:00 UTC)``."""
    moment = moment_of(value)
    if moment is None:
        return ""
    at = int(moment.timestamp() * 1000)
    shown = f"{clock(at)[:19].replace('T', ' ')} UTC"
    when = f"in {age(clock(2 * now_ms - at), now_ms)}" if at > now_ms else f"{age(value, now_ms)} ago"
    return f"{when}{f' by {by}' if by else ''} ({shown})"


Page = Callable[[Row, int], tuple[str, Facts]]
PAGES: dict[str, Page] = {"task": _task, "service": _service, "node": _node, "app": _app, "manager": _manager}
