"""``okube status``: the cluster at a glance."""

from typing import Any

import click

from okube.cli.columns import text
from okube.cli.options import connects, examples, shows
from okube.cli.output import emit, print_table
from okube.cli.session import session

__all__ = ["status"]

Row = dict[str, Any]


@click.command(
    epilog=examples("""
okube status
okube status -o json | jq .quorum
""")
)
@connects
@shows
def status() -> None:
    """Managers with leader, epoch and lag; nodes and tasks by state; quorum or not.

    Any living manager answers, also without quorum; then it says how old its knowledge is.
    """
    here = session()
    found = here.client().status()
    if here.output in ("json", "yaml"):
        emit(here, found)
        return
    for line in headline(found):
        click.echo(line)
    said = found.get("managers")
    managers = [m for m in said if isinstance(m, dict)] if isinstance(said, list) else []
    if managers:
        click.echo()
        print_table("managers", managers, wide=here.output == "wide")


def headline(found: Row) -> list[str]:
    """The lines above the table of managers."""
    rows = [("cluster", text(found.get("cluster")))]
    if found.get("quorum") is False:
        age = found.get("age_s")
        since = f"; what follows is {age:.1f} s old" if isinstance(age, int | float) else ""
        rows.append(("quorum", f"no: nothing can be changed until a majority of the managers is back{since}"))
    else:
        rows.append(("quorum", "yes"))
    rows.append(("leader", text(found.get("leader")) or "none"))
    rows.append(("epoch", text(found.get("epoch"))))
    rows.append(("revision", text(found.get("revision"))))
    rows += [(kind, _counts(found.get(kind))) for kind in ("nodes", "tasks")]
    return [f"{name:<9} {value}".rstrip() for name, value in rows]


def _counts(counts: object) -> str:
    if not isinstance(counts, dict):
        return ""
    shown = [f"{text(count)} {state}" for state, count in counts.items() if count]
    return ", ".join(shown) or "none"
