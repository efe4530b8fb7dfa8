"""``okube plan``: where the tasks of service files would go, without doing it."""

import click

from okube.cli.apply import note_idle_prune, prunes, takes_files, takes_more, telling_where
from okube.cli.documents import read_specs
from okube.cli.exits import REFUSED, Ended
from okube.cli.foreseen import show_tasks
from okube.cli.options import connects, examples, shows
from okube.cli.output import emit, print_table, tell_age
from okube.cli.session import session
from okube.model.shown import spec_view

__all__ = ["plan"]


@click.command(
    epilog=examples("""
okube plan -f web.yaml
okube plan -f shop/ --prune
okube plan -f shop/ -o wide           every task in a line of its own
okube plan -f web.yaml -o json
""")
)
@takes_files
@takes_more
@prunes
@connects
@shows
def plan(files: tuple[str, ...], more: tuple[str, ...], prune: bool) -> None:
    """Show where tasks would go if service files were applied now, and why; nothing is done.

    Tasks of other services that would give way are shown as well. Ends with 1 where a task would find no place.
    """
    placed = read_specs([*files, *more])
    here = session()
    note_idle_prune(placed, prune=prune)
    with telling_where(placed):
        found = here.client().plan([spec_view(p.spec) for p in placed], prune=prune)
    if here.output in ("json", "yaml"):
        emit(here, found)
    else:
        print_table("planned services", found.get("services") or [], wide=here.output == "wide")
        show_tasks(here, found.get("tasks") or [], "")
        show_tasks(here, found.get("others") or [], "other services:")
    tell_age(here)
    if not found.get("settled", True):
        click.echo("okube: it would take longer than was looked ahead; what is shown is the state after that", err=True)
    if not found.get("fits", True):
        count = sum(int(service.get("unplaced") or 0) for service in found.get("services") or [])
        raise Ended(REFUSED, f"{count} task{'s'[: count != 1]} would find no place")
