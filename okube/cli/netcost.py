"""``okube net cost``: what the placement of an app costs in the network."""

from typing import Any

import click

from okube.cli import complete
from okube.cli.likely import hinting
from okube.cli.options import connects, examples, shows
from okube.cli.output import emit, note, print_table, tell_age
from okube.cli.session import Session, session

__all__ = ["cost"]

Row = dict[str, Any]


@click.command(
    epilog=examples("""
okube net cost shop
okube net cost shop -o json
okube rebalance --app shop        moves, by the policy in force
""")
)
@click.argument("app", shell_complete=complete.APPS)
@connects
@shows
def cost(app: str) -> None:
    """What the placement of APP costs in the network, and what the best one found would.

    A cost is the traffic under way, in bits: what tasks send a second, times the round trip to the nearest task of the
    service that they depend on.
    """
    here = session()
    client = here.client()
    with hinting(client, "app", [app]):
        found = client.net_cost(app)
    if here.output in ("json", "yaml"):
        emit(here, found)
    else:
        _show(here, found)
    tell_age(here)


def _show(here: Session, found: Row) -> None:
    wide = here.output == "wide"
    edges = found.get("edges") or []
    if not edges:
        note(f"no service of app {found.get('app')} depends on another: nothing is known to flow between them")
        return
    click.echo(f"now         {_bits(found, 'cost', 'unmet')}")
    click.echo(f"best found  {_bits(found, 'best_cost', 'best_unmet')}")
    click.echo("")
    print_table("edge costs", edges, wide=wide)
    moves = found.get("moves") or []
    if moves:
        click.echo("")
        click.echo("moves that lead there:")
        print_table("net moves", moves, wide=wide)
    if any(edge.get("unknown") for edge in edges):
        note("some round trips are unknown: `okube net` shows what was measured, `okube net topology` what is declared")


def _bits(found: Row, cost: str, unmet: str) -> str:
    beyond = int(found.get(unmet) or 0)
    told = f", {beyond} task{'s'[: beyond != 1]} beyond a limit" if beyond else ""
    return f"{float(found.get(cost) or 0):,.0f} bits under way{told}"
