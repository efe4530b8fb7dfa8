"""``okube audit``: who did what, when, from where, and what came of it."""

from typing import Any

import click
import msgspec

from okube.cli.moments import now_ms, since_ms
from okube.cli.options import connects, examples, formats
from okube.cli.output import emit, note, print_table
from okube.cli.session import session
from okube.model.audit import RESULTS

__all__ = ["audit"]


@click.command(
    epilog=examples("""
okube audit
okube audit --user alice --since 1h
okube audit --result refused
okube audit --export > audit.jsonl        JSON, an object a line
""")
)
@click.option("--user", metavar="NAME", help="Of this user.")
@click.option("--action", metavar="NAME", help="Of this kind, such as create_service.")
@click.option("--result", type=click.Choice(RESULTS), metavar="RESULT", help="done, refused, failed or unknown.")
@click.option("--since", metavar="TIME", help="From then on: a time, or how long ago, such as 1h.")
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="The newest.")
@click.option("--export", is_flag=True, help="JSON, an object a line.")
@connects
@formats
def audit(
    user: str | None, action: str | None, result: str | None, since: str | None, limit: int, export: bool
) -> None:
    """Show who changed what: every write, and whatever was refused for want of rights or credentials.

    Each manager keeps what it did or refused itself; the times are by its clock.
    """
    here = session()
    began = since_ms(since, now_ms())
    told = here.client().audit(user=user, action=action, result=result, since_ms=began, limit=limit)
    rows: list[dict[str, Any]] = told.get("records", [])
    silent = told.get("silent", [])
    if export:
        for row in rows:
            click.echo(msgspec.json.encode(row).decode())
    elif here.output in ("json", "yaml"):
        emit(here, rows)
    elif rows:
        print_table("audit", rows, wide=here.output == "wide")
    else:
        note("no records")
    if silent:
        note(f"without the records of {', '.join(silent)}, which did not answer")
