"""Which facts of what would happen stand in a table: of plans, moves, and what the network costs."""

from collections.abc import Callable, Sequence

from okube.cli.cells import (
    bit_rate,
    field,
    round_trip,
    text,
)
from okube.cli.table import Column

__all__ = ["FORESIGHT_COLUMNS"]


def _planned_services(_now_ms: int) -> Sequence[Column]:
    return (
        Column("SERVICE", field("name")),
        Column("ACTION", field("action")),
        Column("KEPT", field("kept"), right=True),
        Column("CHANGED", field("changed"), right=True),
        Column("UNPLACED", field("unplaced"), right=True),
    )


def _planned_tasks(_now_ms: int) -> Sequence[Column]:
    return (
        Column("TASK", field("name")),
        Column("STEP", field("step")),
        Column("FROM", field("origin"), optional=True),
        Column("NODE", field("node"), optional=True),
        Column(
            "WHY", lambda row: "; ".join(filter(None, (text(row.get("why")), text(row.get("message"))))), below=True
        ),
    )


def _moves(_now_ms: int) -> Sequence[Column]:
    return (
        Column("TASK", field("name")),
        Column("FROM", field("origin")),
        Column("TO", field("target")),
        Column("GAIN", lambda row: f"{float(row.get('gain') or 0):.2f}", right=True),
        Column("WHY", field("why"), below=True),
    )


def _balance(_now_ms: int) -> Sequence[Column]:
    return (
        Column("BALANCE", field("what")),
        Column("BEFORE", field("before"), right=True),
        Column("AFTER", field("after"), right=True),
    )


def _edge_costs(_now_ms: int) -> Sequence[Column]:
    return (
        Column("SERVICE", field("service")),
        Column("NEEDS", field("depends_on")),
        Column("TASKS", field("tasks"), right=True),
        Column("TRAFFIC", bit_rate("traffic"), right=True, optional=True),
        Column("LATENCY", lambda row: round_trip("round_trip")(row) or "unknown", right=True),
        Column("COST", lambda row: f"{float(row.get('cost') or 0):,.0f}", right=True),
        Column("BEST", lambda row: f"{float(row.get('best_cost') or 0):,.0f}", right=True),
        Column("LIMIT", field("limit"), optional=True),
        Column("BEYOND", lambda row: text(row.get("unmet") or ""), right=True, optional=True),
    )


def _net_moves(_now_ms: int) -> Sequence[Column]:
    return (
        Column("SERVICE", field("service")),
        Column("TASKS", field("tasks"), right=True),
        Column("FROM", field("origin")),
        Column("TO", field("target")),
    )


def _suffering(_now_ms: int) -> Sequence[Column]:
    return (
        Column("SERVICE", field("name")),
        Column("APP", field("app"), optional=True),
        Column("READY", lambda row: f"{text(row.get('after'))}/{text(row.get('total'))}", right=True),
        Column("BEFORE", field("before"), right=True),
        Column("WHY", field("why"), optional=True, below=True),
    )


def _broken_limits(_now_ms: int) -> Sequence[Column]:
    return (
        Column("SERVICE", field("service")),
        Column("NEEDS", field("depends_on")),
        Column("LIMIT", field("limit")),
        Column("ROUND TRIP", lambda row: round_trip("round_trip")(row) or "unknown", right=True),
        Column("TASKS", field("tasks"), right=True),
        Column("NODES", field("nodes"), gives_way=True),
    )


FORESIGHT_COLUMNS: dict[str, Callable[[int], Sequence[Column]]] = {
    "planned services": _planned_services,
    "planned tasks": _planned_tasks,
    "moves": _moves,
    "balance": _balance,
    "edge costs": _edge_costs,
    "net moves": _net_moves,
    "suffering services": _suffering,
    "broken limits": _broken_limits,
}
