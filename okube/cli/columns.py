"""Which facts of a service, task, node or manager stand in a table."""

from collections.abc import Callable, Sequence

from okube.cli.cells import (
    age_of,
    app_ready,
    availability,
    bit_rate,
    bytes_out_of,
    clock_of,
    counts_out_of,
    event_message,
    field,
    figure,
    message_of,
    named_of_quota,
    node_message,
    of_quota,
    out_of,
    ports,
    ready_of,
    resource,
    round_trip,
    share,
    size,
    task_state,
    text,
    update_of,
    used_of,
)
from okube.cli.foresightcolumns import FORESIGHT_COLUMNS
from okube.cli.linkcells import link_flows, link_name, over
from okube.cli.table import Column
from okube.model.quantities import format_bytes

__all__ = ["COLUMNS", "columns_of"]


def columns_of(kind: str, now_ms: int) -> Sequence[Column]:
    """The columns for ``services``, ``tasks``, ``nodes`` or ``managers``, with ages seen from now."""
    return COLUMNS[kind](now_ms)


def _services(now_ms: int) -> Sequence[Column]:
    return (
        Column("SERVICE", field("name")),
        Column("APP", field("app"), optional=True),
        Column("MODE", field("mode")),
        Column("READY", ready_of, right=True),
        Column("UPDATE", update_of),
        Column("VERSION", field("version"), right=True, wide=True),
        Column("IMAGE", field("image"), gives_way=True),
        Column("PORTS", ports, optional=True),
        Column("CPUS", resource("cpus"), right=True, wide=True),
        Column("MEMORY", lambda row: size((row.get("resources") or {}).get("memory")), right=True, wide=True),
        Column("RESTART", lambda row: text((row.get("restart") or {}).get("policy")), wide=True),
        Column("BY", field("created_by"), wide=True, optional=True),
        Column("LABELS", field("labels"), wide=True, optional=True),
        Column("AGE", age_of("created_at", now_ms), right=True),
    )


def _tasks(now_ms: int) -> Sequence[Column]:
    return (
        Column("TASK", field("name")),
        Column("ID", field("id"), wide=True),
        Column("STATE", task_state),
        Column("NODE", field("node")),
        Column("IMAGE", field("image"), gives_way=True),
        Column("PORTS", ports, optional=True),
        Column("VERSION", field("version"), right=True, wide=True),
        Column("CPUS", field("cpus"), right=True, wide=True),
        Column("MEMORY", lambda row: size(row.get("memory")), right=True, wide=True),
        Column("EXIT", field("exit_code"), right=True, wide=True, optional=True),
        Column("RESTARTS", lambda row: text(row.get("restarts") or ""), right=True, optional=True),
        Column("AGE", age_of("created_at", now_ms), right=True),
        Column("WHY", field("placement"), wide=True, optional=True),
        Column("MESSAGE", message_of, optional=True, below=True),
    )


def _history(now_ms: int) -> Sequence[Column]:
    return (
        Column("TASK", field("name")),
        Column("ID", field("id")),
        Column("STATE", task_state),
        Column("NODE", field("node")),
        Column("VERSION", field("version"), right=True),
        Column("RESTARTS", lambda row: text(row.get("restarts") or ""), right=True, optional=True),
        Column("EXIT", field("exit_code"), right=True, optional=True),
        Column("ENDED", age_of("ended_at", now_ms), right=True),
        Column("MESSAGE", message_of, optional=True, below=True),
    )


def _versions(_now_ms: int) -> Sequence[Column]:
    return (
        Column("VERSION", lambda row: f"{text(row.get('version'))}{' now' if row.get('current') else ''}"),
        Column("IMAGE", field("image"), gives_way=True),
        Column("CHANGED", field("changed")),
    )


def _nodes(now_ms: int) -> Sequence[Column]:
    return (
        Column("NODE", field("name")),
        Column("STATE", availability),
        Column("REGION", field("region"), wide=True, optional=True),
        Column("ZONE", field("zone"), optional=True),
        Column("RACK", field("rack"), wide=True, optional=True),
        Column("TASKS", field("task_count"), right=True),
        Column("CORES", out_of("cores_allocated", "cores"), right=True),
        Column("MEMORY", bytes_out_of("memory_allocated", "memory"), right=True),
        Column("DISK", bytes_out_of("disk_allocated", "disk"), right=True, wide=True),
        Column("NAMED", counts_out_of("named_allocated", "named"), optional=True),
        Column("ADDRESS", field("address"), wide=True),
        Column("ROLE", field("role"), wide=True),
        Column("RUNTIME", field("runtime"), wide=True),
        Column("PLATFORM", field("platform"), wide=True, optional=True),
        Column("LABELS", field("labels"), wide=True, optional=True),
        Column("SEEN", age_of("last_seen", now_ms), right=True, optional=True),
        Column("MESSAGE", node_message, optional=True, below=True),
    )


def _fallen(_now_ms: int) -> Sequence[Column]:
    return (
        Column("NODES", field("nodes"), right=True),
        Column("FILTER", field("filter")),
        Column("WHY", field("reason"), gives_way=True),
    )


def _standings(_now_ms: int) -> Sequence[Column]:
    return (
        Column("PLACE", field("place"), right=True),
        Column("NODE", field("node")),
        Column("COST", field("cost"), right=True),
        Column("OF WHICH", field("told"), gives_way=True),
        Column("", lambda row: "here" if row.get("here") else "", optional=True),
    )


def _managers(_now_ms: int) -> Sequence[Column]:
    return (
        Column("MANAGER", field("name")),
        Column("ADDRESS", field("address")),
        Column("ROLE", field("role")),
        Column("STATE", field("state")),
        Column("INSTANCE", field("instance"), wide=True),
        Column("RAFT", field("raft_address"), wide=True),
        Column("REVISION", field("revision"), right=True),
        Column("LAG", field("lag"), right=True, optional=True),
        Column("COMMANDS", field("command_version"), right=True, optional=True),
        Column("LOCKED", lambda row: "yes" if row.get("locked") else "", optional=True),
        Column("CERTIFICATE", lambda row: text(row.get("certificate_ends"))[:10], wide=True, optional=True),
        Column("SOFTWARE", field("software"), wide=True),
    )


def _apps(_now_ms: int) -> Sequence[Column]:
    return (
        Column("APP", field("name")),
        Column("STATE", field("state")),
        Column("READY", app_ready, right=True),
        Column("TASKS", field("tasks"), right=True, wide=True),
        Column("SERVICES", field("services"), gives_way=True),
    )


def _events(now_ms: int) -> Sequence[Column]:
    return (
        Column("TIME", lambda row: clock_of(row.get("time"), now_ms), least=8),
        Column(
            "LEVEL", lambda row: "" if row.get("level") == "info" else text(row.get("level")), least=7, optional=True
        ),
        Column("KIND", field("kind"), least=16),
        Column("SUBJECT", lambda row: text(row.get("subject")) or text(row.get("subject_kind")), least=12),
        Column("NODE", field("node"), wide=True, optional=True),
        Column("BY", field("by"), wide=True, optional=True),
        Column("REASON", field("reason"), wide=True, optional=True),
        Column("MESSAGE", event_message, optional=True, below=True),
    )


def _usage_nodes(_now_ms: int) -> Sequence[Column]:
    return (
        Column("NODE", field("name")),
        Column("CORES", lambda row: used_of(row, "cpus", "cores"), right=True),
        Column("CPU", lambda row: share(row.get("cpus"), row.get("cores")), right=True),
        Column("MEMORY", bytes_out_of("memory", "memory_total"), right=True),
        Column("MEM", lambda row: share(row.get("memory"), row.get("memory_total")), right=True),
        Column("DISK", bytes_out_of("disk", "disk_total"), right=True),
        Column("FULL", lambda row: share(row.get("disk"), row.get("disk_total")), right=True),
    )


def _usage_tasks(_now_ms: int) -> Sequence[Column]:
    return (
        Column("TASK", field("name")),
        Column("NODE", field("node")),
        Column("CORES", lambda row: figure(row.get("cpus")), right=True),
        Column("MEMORY", lambda row: size(row.get("memory")) or "0", right=True),
        Column("LIMIT", lambda row: size(row.get("memory_limit")), right=True, optional=True),
        Column("MEM", lambda row: share(row.get("memory"), row.get("memory_limit")), right=True, optional=True),
    )


def _actions(_now_ms: int) -> Sequence[Column]:
    return (Column("SERVICE", field("name")), Column("ACTION", field("action")))


def _snapshots(now_ms: int) -> Sequence[Column]:
    return (
        Column("TAKEN", field("taken_at")),
        Column("AGE", age_of("taken_at", now_ms), right=True),
        Column("MANAGER", field("manager")),
        Column("WHY", field("why")),
        Column("REVISION", field("revision"), right=True),
        Column("EPOCH", field("epoch")),
        Column("SERVICES", field("services"), right=True, wide=True),
        Column("TASKS", field("tasks"), right=True),
        Column("SIZE", lambda row: size(row.get("bytes")), right=True),
        Column("PATH", field("path"), gives_way=True),
    )


def _secrets(now_ms: int) -> Sequence[Column]:
    return (
        Column("NAME", field("name")),
        Column("APP", field("app"), optional=True),
        Column("VERSION", field("version"), right=True),
        Column("SIZE", lambda row: size(row.get("bytes")), right=True, optional=True),
        Column("SERVICES", field("services"), optional=True, gives_way=True),
        Column("UPDATED", age_of("updated_at", now_ms), right=True),
        Column("AGE", age_of("created_at", now_ms), right=True),
        Column("BY", field("created_by"), wide=True, optional=True),
        Column("LABELS", field("labels"), wide=True, optional=True),
    )


def _join_tokens(now_ms: int) -> Sequence[Column]:
    return (
        Column("TOKEN", field("id")),
        Column("ROLE", field("role")),
        Column("STATE", field("state")),
        Column("USED", lambda row: f"{text(row.get('used'))} of {text(row.get('uses') or 'any')}", right=True),
        Column("EXPIRES", field("expires_at")),
        Column("BY", field("created_by"), wide=True, optional=True),
        Column("AGE", age_of("created_at", now_ms), right=True),
    )


def _net_nodes(now_ms: int) -> Sequence[Column]:
    return (
        Column("NODE", field("name")),
        Column("REGION", field("region"), optional=True),
        Column("ZONE", field("zone"), optional=True),
        Column("RACK", field("rack"), optional=True),
        Column("MEDIAN", round_trip("latency"), right=True),
        Column("WRONG", lambda row: share(row.get("misfit"), 1.0), right=True),
        Column("ERROR", lambda row: share(row.get("error"), 1.0), right=True, wide=True),
        Column("LINK", bit_rate("link"), right=True, optional=True),
        Column("OUT", bit_rate("sent"), right=True, optional=True),
        Column("IN", bit_rate("received"), right=True, optional=True),
        Column("TOLD", age_of("told", now_ms), right=True, wide=True),
        Column("MESSAGE", field("message"), optional=True, below=True),
    )


def _net_pairs(now_ms: int) -> Sequence[Column]:
    del now_ms
    return (
        Column("FROM", field("from")),
        Column("TO", field("to")),
        Column("ROUND TRIP", round_trip("latency"), right=True),
        Column("MEASURED", round_trip("measured"), right=True, optional=True),
        Column("BY COORDINATES", round_trip("told"), right=True, optional=True),
    )


def _links(now_ms: int) -> Sequence[Column]:
    del now_ms
    return (
        Column("LINK", link_name),
        Column("CAPACITY", bit_rate("capacity"), right=True),
        Column("RESERVED", bit_rate("reserved"), right=True),
        Column("FREE", lambda row: over(row) or bit_rate("free")(row), right=True),
        Column("OUT", bit_rate("sent"), right=True, optional=True),
        Column("IN", bit_rate("received"), right=True, optional=True),
        Column("FOR", link_flows, optional=True, wide=True),
    )


def _declared_costs(now_ms: int) -> Sequence[Column]:
    del now_ms
    return (
        Column("LEVEL", field("level")),
        Column("FROM", field("from")),
        Column("TO", field("to"), optional=True),
        Column("ROUND TRIP", round_trip("latency"), right=True),
        Column("BANDWIDTH", bit_rate("bandwidth"), right=True),
    )


def _keys(now_ms: int) -> Sequence[Column]:
    return (
        Column("KEY", field("id")),
        Column("SEALS", field("seals")),
        Column("VALUES", field("values"), right=True),
        Column("AGE", age_of("created_at", now_ms), right=True),
    )


def _users(now_ms: int) -> Sequence[Column]:
    return (
        Column("NAME", field("name")),
        Column("ROLE", field("role")),
        Column("APPS", lambda row: text(row.get("apps") or "all")),
        Column("EXPIRES", lambda row: text(row.get("expires_at") or "never")),
        Column("BY", field("created_by"), wide=True, optional=True),
        Column("ROTATED", age_of("rotated_at", now_ms), right=True, wide=True),
        Column("AGE", age_of("created_at", now_ms), right=True, optional=True),
    )


def _audit(now_ms: int) -> Sequence[Column]:
    return (
        Column("TIME", lambda row: clock_of(row.get("time"), now_ms), least=8),
        Column("WHO", lambda row: text(row.get("who")) or "nobody known", least=6),
        Column("RESULT", field("result"), least=7),
        Column("ACTION", lambda row: text(row.get("action")) or text(row.get("path")), least=12),
        Column("SUBJECT", lambda row: text(row.get("subject")) or text(row.get("path")), optional=True, gives_way=True),
        Column("TIMES", lambda row: text(row.get("count") or 1), right=True, optional=True, wide=True),
        Column("FROM", field("address")),
        Column("ROLE", field("role"), wide=True, optional=True),
        Column("MANAGER", field("manager"), wide=True),
        Column("REVISION", field("revision"), right=True, wide=True, optional=True),
        Column("DETAIL", field("detail"), optional=True, below=True),
    )


def _caller(now_ms: int) -> Sequence[Column]:
    return _users(now_ms)[:4]


def _quotas(now_ms: int) -> Sequence[Column]:
    return (
        Column("QUOTA", lambda row: f"{text(row.get('kind'))}:{text(row.get('name'))}"),
        Column("CPUS", of_quota("cpus", lambda amount: f"{amount:g}"), right=True, optional=True),
        Column("MEMORY", of_quota("memory", lambda amount: format_bytes(int(amount))), right=True, optional=True),
        Column("DISK", of_quota("disk", lambda amount: format_bytes(int(amount))), right=True, optional=True),
        Column("TASKS", of_quota("tasks", text), right=True, optional=True),
        Column("SERVICES", of_quota("services", text), right=True, optional=True),
        Column("NAMED", named_of_quota, optional=True),
        Column("BY", field("changed_by"), wide=True, optional=True),
        Column("CHANGED", age_of("changed_at", now_ms), right=True, wide=True),
    )


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
    "places": _net_nodes,
    "round trips": _net_pairs,
    "declared costs": _declared_costs,
    "links": _links,
    "snapshots": _snapshots,
    "actions": _actions,
    **FORESIGHT_COLUMNS,
    "keys": _keys,
    "secrets": _secrets,
    "configs": _secrets,
    "fallen": _fallen,
    "standings": _standings,
    "join tokens": _join_tokens,
    "users": _users,
    "audit": _audit,
    "caller": _caller,
    "quotas": _quotas,
    "removed quotas": lambda _: (Column("QUOTA", field("name")), Column("ACTION", field("action"))),
    "removed users": lambda _: (Column("USER", field("name")), Column("ACTION", field("action"))),
    "revoked tokens": lambda _: (Column("TOKEN", field("id")), Column("ACTION", field("action"))),
    "addresses": lambda _: (
        Column("NODE", field("name")),
        Column("STATE", availability),
        Column("ADDRESS", field("address")),
    ),
    "labels": lambda _: (Column("NODE", field("name")), Column("LABELS", field("labels"))),
    "removed": lambda _: (Column("NODE", field("name")), Column("ACTION", field("action"))),
    "removed secrets": lambda _: (Column("SECRET", field("name")), Column("ACTION", field("action"))),
    "removed configs": lambda _: (Column("CONFIG", field("name")), Column("ACTION", field("action"))),
    "removed managers": lambda _: (Column("MANAGER", field("name")), Column("ACTION", field("action"))),
}
