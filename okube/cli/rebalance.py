"""``okube rebalance``: tasks where they are better off, by the policy in force."""

from collections.abc import Callable
from typing import Any

import click

from okube.cli import complete
from okube.cli.cells import share
from okube.cli.options import connects, examples, formats
from okube.cli.output import emit, note, print_table
from okube.cli.session import session

__all__ = ["rebalance", "show_balance"]

Row = dict[str, Any]


@click.command(
    epilog=examples("""
okube rebalance --dry-run        what would move, and nothing does
okube rebalance --max-moves 10   the ten that gain most
okube rebalance --app shop
""")
)
@click.option("--dry-run", is_flag=True, help="Show what would move, and move nothing.")
@click.option("--max-moves", type=click.IntRange(1, 1000), metavar="N", help="At most so many moves.")
@click.option("--app", metavar="APP", shell_complete=complete.APPS, help="Move only the tasks of this app.")
@connects
@formats
def rebalance(dry_run: bool, max_moves: int | None, app: str | None) -> None:
    """Move tasks where that makes the placement better by the policy in force.

    One slot of a service moves at a time, as when it is updated; `okube ps` and `okube events` show it.
    """
    here = session()
    found = here.client().rebalance(dry_run=dry_run, max_moves=max_moves, app=app)
    if here.output in ("json", "yaml"):
        emit(here, found)
        return
    moves = found.get("moves") or []
    if not moves:
        note("nothing to do: no move would gain enough")
        return
    print_table("moves", moves, wide=here.output == "wide")
    click.echo("")
    show_balance(found.get("before") or {}, found.get("after") or {}, wide=here.output == "wide")
    if found.get("more"):
        note("there may be more moves: this is as many as were asked for")
    if found.get("done"):
        note(f"{len(moves)} task{'s'[: len(moves) != 1]} told to move, one slot of a service at a time")


def show_balance(before: Row, after: Row, *, wide: bool) -> None:
    """How evenly the nodes are used, before and after."""
    cells: list[tuple[str, Callable[[Row], str]]] = [
        ("most used resource, mean", lambda row: share(row.get("most_used_mean"), 1.0)),
        ("most used resource, highest", lambda row: share(row.get("most_used_highest"), 1.0)),
        ("most used resource, deviation", lambda row: share(row.get("most_used_deviation"), 1.0)),
        ("tasks of a node", lambda row: f"{row.get('tasks_lowest')} to {row.get('tasks_highest')}"),
    ]
    if before.get("network_cost") or after.get("network_cost"):
        cells.append(("network, bits under way", lambda row: f"{row.get('network_cost'):,.0f}"))
    if before.get("unmet_limits") or after.get("unmet_limits"):
        cells.append(("tasks beyond a limit", lambda row: str(row.get("unmet_limits"))))
    rows = [{"what": what, "before": cell(before), "after": cell(after)} for what, cell in cells]
    print_table("balance", rows, wide=wide)
