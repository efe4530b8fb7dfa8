"""``okube cluster add-node``, ``remove-node`` and ``replace-manager``: machines come and go."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from okube.cli.exits import WaitedInVain
from okube.cli.findings import ended, tell_findings
from okube.cli.locate import required_cluster_file
from okube.cli.machinelines import MachineLines
from okube.cli.options import examples, formats, times
from okube.cli.output import emit, note
from okube.cli.session import session
from okube.model.errors import BadFile, OkubeError

if TYPE_CHECKING:
    from okube.client.api import OkubeClient
    from okube.install.nodes import Role
    from okube.install.nodes_run import Changed
    from okube.install.terms import Options

__all__ = ["add_node", "bundle_option", "machine_options", "on_machines", "remove_node", "replace_manager"]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def machine_options(command: F) -> F:
    """The options that all commands on machines take."""
    for option in (
        click.option("--timeout", type=times, default="180s", metavar="TIME", show_default=True, help="For each wait."),
        click.option(
            "--accept-new-host-keys", "accept_new", is_flag=True, help="Believe machines that were never met."
        ),
        click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing."),
        click.option("-f", "--file", "--config", "config", metavar="FILE", help="cluster.yaml; else OKUBE_CONFIG, ..."),
    ):
        command = option(command)
    return formats(command)


bundle_option = click.option(
    "--bundle", metavar="FILE", type=click.Path(dir_okay=False, exists=True), help="Okube's wheels."
)


@click.command(
    "add-node",
    epilog=examples("""
okube cluster add-node w4                                      w4 is in cluster.yaml
okube cluster add-node w4 --host 192.0.2.24 --zone rack-b      it is written there first
okube cluster add-node m4 --role manager --host 192.0.2.14
okube cluster add-node w4 --dry-run
"""),
)
@click.argument("name", metavar="NAME")
@click.option("--role", type=click.Choice(("worker", "manager")), metavar="ROLE", help="worker or manager.")
@click.option("--host", metavar="HOST", help="Where others reach it.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="PORT", help="7201, or 7101 of a manager.")
@click.option("--region", metavar="REGION", help="Of a worker.")
@click.option("--zone", metavar="ZONE", help="Of a worker.")
@click.option("--rack", metavar="RACK", help="Of a worker.")
@click.option("--label", "labels", multiple=True, metavar="K=V", help="Of a worker; may be repeated.")
@click.option("--resource", "named", multiple=True, metavar="NAME=N", help="What a worker offers beside: gpu=2.")
@bundle_option
@machine_options
def add_node(
    name: str,
    role: str | None,
    host: str | None,
    port: int | None,
    region: str | None,
    zone: str | None,
    rack: str | None,
    labels: tuple[str, ...],
    named: tuple[str, ...],
    **how: Any,
) -> None:
    """Install Okube on one more machine, and have it join the cluster.

    It gets what a machine needs, joins with a token of its own, and is waited for: a worker until it is ready, a
    manager until it votes. Called again it goes on where it was.
    """
    from okube.cli.filters import label_pairs, resource_counts
    from okube.install.nodes_run import add_node as add

    label_pairs(labels)
    places = {"region": region, "zone": zone, "rack": rack}
    pairs = dict(each.split("=", 1) for each in labels)
    given = {"host": host, "port": port, **places, "labels": pairs or None, "capacity": resource_counts(named) or None}
    fields = {key: value for key, value in given.items() if value is not None}
    what = cast("Role | None", role)
    _change(lambda path, client, options, tell: add(path, name, what, fields, client, options, tell), **how)


@click.command(
    "remove-node",
    epilog=examples("""
okube cluster remove-node w4
okube cluster remove-node m2
okube cluster remove-node w4 --force     it takes part, and its machine cannot be reached
"""),
)
@click.argument("name", metavar="NAME")
@click.option("--force", is_flag=True, help="Shut it out although its machine cannot be reached.")
@machine_options
def remove_node(name: str, force: bool, **how: Any) -> None:
    """Have a manager or worker no longer, and take it out of cluster.yaml.

    A worker's tasks move elsewhere first. Then it is forgotten, its certificate is worth nothing any more, and its unit
    and its folder go from the machine. One that is lost is forgotten without its machine.
    """
    from okube.install.nodes_run import remove_node as remove

    _change(lambda path, client, options, tell: remove(path, name, client, options, tell, force=force), **how)


@click.command(
    "replace-manager",
    epilog=examples("""
okube cluster replace-manager m2 --host 192.0.2.22     another machine has it from now on
okube cluster replace-manager m2                       its machine was made anew, or has a new disk
"""),
)
@click.argument("name", metavar="NAME")
@click.option("--host", metavar="HOST", help="Its new host, which is written into cluster.yaml.")
@bundle_option
@machine_options
def replace_manager(name: str, host: str | None, **how: Any) -> None:
    """Have a manager on another machine, or anew on its own, where what it had is lost.

    The machine is made ready first. Then the lost one is removed and the new one joins and catches up, so that the
    others have to agree on both.
    """
    from okube.install.nodes_run import replace_manager as replace

    _change(lambda path, client, options, tell: replace(path, name, host, client, options, tell), **how)


def on_machines(
    work: "Callable[[Path, Options, MachineLines], T]",
    *,
    config: str | None,
    dry_run: bool,
    accept_new: bool,
    timeout: float,
    bundle: str | None = None,
) -> T:
    """Do something with the machines of cluster.yaml; it ends as commands do where that fails."""
    from okube.install.terms import NotReady, Options

    here = session()
    path = required_cluster_file(config or here.config)
    here.config = str(path)
    options = Options(
        bundle=None if bundle is None else Path(bundle), dry_run=dry_run, accept_new=accept_new, timeout_s=timeout
    )
    lines = MachineLines()
    try:
        return work(path, options, lines)
    except NotReady as error:
        tell_findings(error.findings)
        raise ended(error) from error
    except BadFile:
        raise
    except OkubeError as error:
        if type(error).kind == "waited-in-vain":
            raise WaitedInVain(error.detail) from error
        raise ended(error) from error
    finally:
        lines.close()


def _change(work: "Callable[[Path, OkubeClient, Options, MachineLines], Changed]", **how: Any) -> None:
    changed = on_machines(lambda path, options, lines: work(path, session().client(), options, lines), **how)
    _show(changed, how["dry_run"])


def _show(changed: "Changed", dry_run: bool) -> None:
    here = session()
    if here.output in ("json", "yaml"):
        emit(here, _plain(changed))
        return
    if dry_run:
        for step in changed.steps:
            click.echo(f"would: {changed.name} {step.what}")
        if not changed.steps:
            click.echo("nothing to do")
        return
    said = f"nothing to do: {changed.done}" if not changed.steps else f"{changed.done} ({changed.took_s:.1f} s)"
    click.echo(said)
    for sentence in changed.notes:
        note(f"note: {sentence}")


def _plain(changed: "Changed") -> dict[str, Any]:
    return {
        "name": changed.name,
        "role": changed.role,
        "steps": [{"step": step.verb, "what": step.what} for step in changed.steps],
        "done": changed.done,
        "notes": list(changed.notes),
        "seconds": round(changed.took_s, 1),
    }
