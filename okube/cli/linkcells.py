"""The cells of a table of links."""

from okube.cli.cells import Row, bit_rate

__all__ = ["link_flows", "link_name", "over"]


def link_name(row: Row) -> str:
    """``node w1``, ``zones a and b``, ``inside zone a``, ``rack 1 to 2`` for one that leads one way."""
    kind, here, there = row.get("kind"), row.get("from"), row.get("to")
    if kind == "node":
        return f"node {here}"
    if here == there:
        return f"inside {kind} {here}"
    return f"{kind} {here} to {there}" if row.get("one_way") else f"{kind}s {here} and {there}"


def over(row: Row) -> str:
    """``over by 50 Mbit/s``, where more is reserved than the link carries."""
    free = row.get("free")
    return f"over by {bit_rate('by')({'by': -free})}" if isinstance(free, int) and free < 0 else ""


def link_flows(row: Row) -> str:
    """``web to db 200 Mbit/s``: who has reserved how much."""
    told = bit_rate("reserved")
    return ", ".join(f"{flow.get('from')} to {flow.get('to')} {told(flow)}" for flow in row.get("flows") or ())
