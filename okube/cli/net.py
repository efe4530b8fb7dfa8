"""``okube net``: the network between the nodes, as their agents measure it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import click

from okube.cli import complete
from okube.cli.cells import round_trip
from okube.cli.lazy import LazyGroup
from okube.cli.likely import hinting
from okube.cli.netcost import cost
from okube.cli.options import connects, examples, shows
from okube.cli.output import emit, note, show_list, tell_age, terminal_width
from okube.cli.session import session
from okube.cli.table import Column, render
from okube.model.errors import FieldError

__all__ = ["net"]

Row = dict[str, Any]
_MOST_ZONES = 12
_NO_ZONE = "no zone"


class NetGroup(LazyGroup):
    """Without a command it shows the zones."""

    misspelt: ClassVar[Mapping[str, str]] = {
        "node": "nodes",
        "link": "links",
        "ls": "nodes",
        "list": "nodes",
        "to": "from",
    }


@click.group(
    cls=NetGroup,
    invoke_without_command=True,
    epilog=examples("""
okube net                 the round trips between zones
okube net nodes           each node: where it is, and what its link does
okube net from w1         the round trips from one node
okube net links           what links carry, and what is reserved of it
okube net cost shop       what an app's placement costs
okube net topology        what is declared of it
okube net -o json
"""),
)
@connects
@shows
@click.pass_context
def net(ctx: click.Context) -> None:
    """Show the network between the nodes: measured round trips, medians by zone."""
    if ctx.invoked_subcommand is not None:
        return
    here = session()
    found = here.client().net()
    if here.output in ("json", "yaml"):
        emit(here, found)
    else:
        for line in _zones(found.get("zones") or [], wide=here.output == "wide"):
            click.echo(line)
        if sentence := _unknown(found.get("nodes") or []):
            note(sentence)
    tell_age(here)


net.add_command(cost)


@net.command(epilog=examples("okube net nodes\nokube net nodes -o wide"))
@connects
@shows
def nodes() -> None:
    """Each node: its median round trip to the others, how wrong its coordinate is, and its link."""
    here = session()
    show_list(here, "places", here.client().net().get("nodes") or [])


@net.command("from", epilog=examples("okube net from w1\nokube net from w1 -o json"))
@click.argument("node", shell_complete=complete.NODES)
@connects
@shows
def from_node(node: str) -> None:
    """The round trips from one node to each other, the shortest first."""
    here = session()
    client = here.client()
    with hinting(client, "node", [node]):
        found = client.net(node=node).get("pairs") or []
    show_list(here, "round trips", sorted(found, key=_by_latency))


@net.command(epilog=examples("okube net links\nokube net links -o wide\nokube net links -o json"))
@connects
@shows
def links() -> None:
    """What each link carries, and what is reserved of it.

    Links are those of nodes, and those that are declared of regions, zones and racks. Tasks reserve what
    `min_bandwidth` of their `depends_on` asks for, and give it back when they end.
    """
    here = session()
    show_list(here, "links", here.client().net_links())


@net.command(
    epilog=examples("""
okube net topology
okube net topology -f cluster.yaml        what its `topology` says, from here on
okube net topology -o yaml
""")
)
@click.option("-f", "file", type=click.Path(), metavar="FILE", help="Declare what its `topology` says instead.")
@connects
@shows
def topology(file: str | None) -> None:
    """What is declared of the network: round trips and bandwidths of regions, zones and racks.

    It counts for nodes whose round trip was not measured, and for bandwidth, which nobody measures.
    """
    here = session()
    client = here.client()
    found = client.topology() if file is None else client.set_topology(_declared_in(file))
    if here.output in ("json", "yaml"):
        emit(here, found)
    else:
        show_list(here, "declared costs", list(_costs(found)))


def _declared_in(file: str) -> Row:
    """What a file declares; what is wrong with it is told with its lines."""
    from pathlib import Path

    from okube.config import load_documents, render_errors
    from okube.model.decode import decode
    from okube.model.errors import BadFile, InvalidInput
    from okube.model.topology import DeclaredTopology

    documents = [each for each in load_documents(Path(file)) if isinstance(each.data, dict) and "topology" in each.data]
    if len(documents) != 1:
        raise BadFile(f"{file} declares nothing of the network: it has no key topology.")
    (document,) = documents
    declared: Row = document.data["topology"]
    try:
        decode(DeclaredTopology, declared, what=file)
    except InvalidInput as error:
        inside = tuple(FieldError(f"topology.{each.path}".rstrip("."), each.message) for each in error.errors)
        raise BadFile("\n".join(render_errors(document, InvalidInput("", inside)))) from error
    return declared


def _costs(declared: Row) -> Iterator[Row]:
    for level in ("region", "zone", "rack"):
        said = declared.get(f"{level}s") or {}
        for where in ("within", "between"):
            if cost := said.get(where):
                yield {"level": level, "from": f"({where})", "to": "", **cost}
        yield from ({"level": level, **pair} for pair in said.get("pairs") or ())


def _by_latency(pair: Row) -> tuple[bool, float, str]:
    seconds = pair.get("latency")
    return seconds is None, seconds or 0.0, str(pair.get("to"))


def _zones(pairs: Sequence[Row], *, wide: bool) -> list[str]:
    """A matrix, or a list where that would be too wide."""
    zones = sorted({str(pair.get(end) or "") for pair in pairs for end in ("from", "to")})
    if not zones:
        return ["no nodes"]
    if len(zones) > _MOST_ZONES or wide:
        return render(list(pairs), _LIST, wide=wide, width=terminal_width())
    known = {(str(pair.get("from") or ""), str(pair.get("to") or "")): pair for pair in pairs}
    rows = [
        {"zone": one or _NO_ZONE} | {other: known.get((one, other)) or known.get((other, one)) or {} for other in zones}
        for one in zones
    ]
    columns = [Column("ROUND TRIP", lambda row: str(row["zone"]))]
    columns += [Column(zone or _NO_ZONE, _cell(zone), right=True) for zone in zones]
    return render(rows, columns, wide=False, width=terminal_width())


def _cell(zone: str) -> Any:
    latency = round_trip("latency")
    return lambda row: latency(row[zone]) or ("?" if row[zone].get("pairs") else "–")


def _unknown(found: Sequence[Row]) -> str:
    """A sentence on the nodes whose place nobody knows."""
    names = [str(node.get("name")) for node in found if node.get("coordinate") is None]
    if not names:
        return ""
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"not placed yet: {shown}; `okube net nodes` says why"


_LIST = (
    Column("FROM", lambda row: str(row.get("from") or _NO_ZONE)),
    Column("TO", lambda row: str(row.get("to") or _NO_ZONE)),
    Column("MEDIAN", round_trip("latency"), right=True),
    Column("LOWEST", round_trip("lowest"), right=True),
    Column("HIGHEST", round_trip("highest"), right=True),
    Column("PAIRS", lambda row: str(row.get("pairs", "")), right=True),
    Column("MEASURED", lambda row: str(row.get("measured", "")), right=True),
)
