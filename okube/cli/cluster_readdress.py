"""``okube cluster readdress``: machines get other addresses."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from okube.cli.cluster_nodes import machine_options, on_machines
from okube.cli.options import examples
from okube.cli.output import emit, note
from okube.cli.session import session

if TYPE_CHECKING:
    from okube.cli.machinelines import MachineLines
    from okube.install.readdress_run import Readdressed
    from okube.install.terms import Options

__all__ = ["readdress"]


@click.command(
    epilog=examples("""
okube cluster readdress 192.0.2.12=192.0.2.72
okube cluster readdress 192.0.2.12=192.0.2.72 192.0.2.24=192.0.2.84
""")
)
@click.argument("moves", nargs=-1, required=True, metavar="OLD-HOST=NEW-HOST…")
@machine_options
def readdress(moves: tuple[str, ...], **how: Any) -> None:
    """Tell where machines are from now on, to the cluster, in cluster.yaml, and on all machines.

    Everything on such a machine moves with it, nothing joins anew, and tasks go on. Call it before the machine has its
    new address or after, for as many at once as leave the managers a majority.
    """
    from okube.install.readdress import pairs_of
    from okube.install.readdress_run import readdress as tell_all

    def work(path: Path, options: "Options", lines: "MachineLines") -> "Readdressed":
        return tell_all(path, pairs_of(moves), options, lines)

    done = on_machines(work, **how)
    here = session()
    if here.output in ("json", "yaml"):
        emit(here, _plain(done))
        return
    for move in done.moves:
        click.echo(f"{'would: ' if how['dry_run'] else ''}{move.name:<10} {move.role:<8} {move.address}")
    if not how["dry_run"]:
        word = f"{done.told} told" if done.told else "nothing to do: the cluster knows"
        click.echo(f"{word} ({done.took_s:.1f} s)")
    for sentence in done.notes:
        note(f"note: {sentence}")


def _plain(done: "Readdressed") -> dict[str, Any]:
    return {
        "moves": [{"name": move.name, "role": move.role, "address": move.address} for move in done.moves],
        "told": done.told,
        "notes": list(done.notes),
        "seconds": round(done.took_s, 1),
    }
