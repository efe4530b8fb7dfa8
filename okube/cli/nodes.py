"""``okube nodes``, ``drain``, ``cordon`` and ``uncordon``: the machines."""

from collections.abc import Mapping
from typing import Any, ClassVar

import click

from okube.cli import complete
from okube.cli.filters import field_of_tasks, label_pairs, labels_option, query_of
from okube.cli.lazy import LazyGroup
from okube.cli.likely import hinting
from okube.cli.listing import Wanted, show
from okube.cli.options import connects, examples, formats, shows, waits, watched
from okube.cli.output import show_results
from okube.cli.session import session
from okube.cli.wait import Waiter
from okube.client.api import OkubeClient
from okube.model.errors import Conflict

__all__ = ["cordon", "drain", "nodes", "uncordon"]

STATES = ("ready", "down")
AVAILABILITIES = ("active", "cordoned", "draining", "drained")
_TRIES = 5
_names = click.argument("names", nargs=-1, required=True, metavar="NODE…", shell_complete=complete.NODES)


class NodesGroup(LazyGroup):
    """Without a command it lists."""

    misspelt: ClassVar[Mapping[str, str]] = {"remove": "rm", "delete": "rm", "forget": "rm"}


@click.group(
    cls=NodesGroup,
    invoke_without_command=True,
    epilog=examples("""
okube nodes --label disk=ssd -o wide
okube nodes rm w3                forget a node that is down
"""),
)
@click.option("--state", type=click.Choice(STATES), metavar="STATE", help="ready or down.")
@click.option(
    "--availability", type=click.Choice(AVAILABILITIES), metavar="A", help=f"One of {', '.join(AVAILABILITIES)}."
)
@click.option("--region", metavar="REGION", help="Only nodes of this region.")
@click.option("--zone", metavar="ZONE", help="Only nodes of this zone.")
@click.option("--rack", metavar="RACK", help="Only nodes of this rack.")
@labels_option
@click.option(
    "--service", metavar="NAME", help="Only nodes with tasks of this service.", shell_complete=complete.SERVICES
)
@click.option("--app", metavar="NAME", help="Only nodes with a task of this app.", shell_complete=complete.APPS)
@watched
@connects
@shows
@click.pass_context
def nodes(
    ctx: click.Context,
    state: str | None,
    availability: str | None,
    region: str | None,
    zone: str | None,
    rack: str | None,
    labels: tuple[str, ...],
    service: str | None,
    app: str | None,
    watch: bool,
) -> None:
    """List nodes: state, tasks, and what of their cores and memory is promised."""
    if ctx.invoked_subcommand is not None:
        return
    label_pairs(labels)

    def wanted(client: OkubeClient) -> Wanted:
        holding = field_of_tasks(client, "node", service=service, app=app)
        return lambda row: (service is None and app is None) or row.get("name") in holding

    query = query_of(state=state, availability=availability, region=region, zone=zone, rack=rack, label=labels)
    show(session(), "nodes", query, watch=watch, wanted=wanted)


@nodes.command("rm", epilog=examples("okube nodes rm w3\nokube nodes rm w3 w4\nokube nodes rm --bar w3"))
@_names
@click.option("--bar", is_flag=True, help="Its machine is not trusted any more: shut it out, be it up or down.")
@connects
@formats
def remove(names: tuple[str, ...], bar: bool) -> None:
    """Forget nodes that are down; one that returns under its name joins anew.

    With --bar nobody comes in with their certificates any more, and what ran there is started elsewhere. Their
    containers go on until somebody ends them: the machine is not obeyed, and need not obey.
    """
    here = session()
    with hinting(here.client(), "node", names):
        for name in names:
            here.client().delete_node(name, bar=bar)
    show_results(here, "removed", [{"name": name, "action": "removed"} for name in names], of=names)


@nodes.command("label", epilog=examples("okube nodes label w1 disk=ssd\nokube nodes label w1 gpu-    takes it away"))
@click.argument("name", metavar="NODE", shell_complete=complete.NODES)
@click.argument("changes", nargs=-1, required=True, metavar="K=V…")
@connects
@formats
def label(name: str, changes: tuple[str, ...]) -> None:
    """Set labels of a node; a key with a '-' behind it is taken away, the other labels stay."""
    wanted = _label_changes(changes)
    here = session()
    with hinting(here.client(), "node", [name]):
        changed = _changed(here.client(), name, "labels", wanted)
    show_results(here, "labels", [changed], of=(name,))


@nodes.command(
    "offer",
    epilog=examples("okube nodes offer w1 gpu=2 licence=4\nokube nodes offer w1 gpu-    it offers none any more"),
)
@click.argument("name", metavar="NODE", shell_complete=complete.NODES)
@click.argument("changes", nargs=-1, required=True, metavar="NAME=N…")
@connects
@formats
def offer(name: str, changes: tuple[str, ...]) -> None:
    """Say how many of a named resource, such as GPUs, a node offers to tasks; the others stay.

    From then on this counts, whatever its cluster.yaml says. What is in use stays with its tasks.
    """
    wanted = _count_changes(changes)
    here = session()
    with hinting(here.client(), "node", [name]):
        changed = _changed(here.client(), name, "named", wanted)
    show_results(here, "nodes", [changed], of=(name,))


@nodes.command(
    "readdress",
    epilog=examples("okube nodes readdress w1=192.0.2.71\nokube nodes readdress w1=192.0.2.71:7301 w2=w2.example.com"),
)
@click.argument("moves", nargs=-1, required=True, metavar="NODE=HOST[:PORT]…")
@waits
@connects
@formats
def readdress(moves: tuple[str, ...], wait: bool, timeout: float) -> None:
    """Tell where nodes are reached from now on; tasks go on, and nothing joins anew.

    An agent that runs hears of it, listens there, and does so after each restart, whatever cluster.yaml says.
    """
    from okube.cli.readdress import moved, moves_of, wait_until

    wanted = moves_of(moves)
    here = session()
    client = here.client()
    with hinting(client, "node", list(wanted)):
        before = {name: str(client.node(name)["address"]) for name in wanted}
        for name, place in wanted.items():
            client.update_node(name, address=moved(before[name], place))
    if wait:
        wait_until(lambda name: not client.usage(node=name)["silent"], wanted, timeout, "did not answer there")
    show_results(here, "addresses", [client.node(name) for name in wanted], of=list(wanted))


def _label_changes(changes: tuple[str, ...]) -> dict[str, str | None]:
    """The value of each key; None takes it away."""
    wanted: dict[str, str | None] = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not key or not (equals or change.endswith("-")):
            raise click.UsageError(f"{change!r} is no label: write KEY=VALUE, or KEY- to take it away")
        wanted[key if equals else change[:-1]] = value if equals else None
    return wanted


def _count_changes(changes: tuple[str, ...]) -> dict[str, int | None]:
    """How many of each resource; None takes it away, as 0 does."""
    wanted: dict[str, int | None] = {}
    for change in changes:
        name, equals, count = change.partition("=")
        if not equals and change.endswith("-"):
            wanted[change[:-1]] = None
        elif name and count.isdecimal():
            wanted[name] = int(count) or None
        else:
            raise click.UsageError(f"{change!r} is no offer: write NAME=N with a whole number, or NAME- for none")
    return wanted


def _changed(client: OkubeClient, name: str, field: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Change some of a mapping of a node; the API takes all of it, so what others do meanwhile is looked at again."""
    tries = 0
    while True:
        node = client.node(name)
        merged = {**(node.get(field) or {}), **wanted}
        kept: Any = {key: value for key, value in merged.items() if value is not None}
        try:
            return client.update_node(name, if_match=int(node["revision"]), **{field: kept})
        except Conflict:
            tries += 1
            if tries == _TRIES:
                raise


@click.command(epilog=examples("okube drain w1\nokube drain w1 w2 --timeout 10m\nokube uncordon w1    when it is back"))
@_names
@waits
@connects
@formats
def drain(names: tuple[str, ...], wait: bool, timeout: float) -> None:
    """Move all tasks off nodes and place no new ones there; ends when they are empty."""
    here = session()
    client = here.client()
    with hinting(client, "node", names):
        for name in names:
            client.update_node(name, availability="draining")
    if wait:
        Waiter(client, timeout).until_drained(names)
    show_results(here, "nodes", [client.node(name) for name in names], of=names)


@click.command(epilog=examples("okube cordon w1"))
@_names
@connects
@formats
def cordon(names: tuple[str, ...]) -> None:
    """Place no new tasks on nodes; what runs there stays."""
    _set_availability(names, "cordoned")


@click.command(epilog=examples("okube uncordon w1"))
@_names
@connects
@formats
def uncordon(names: tuple[str, ...]) -> None:
    """Place tasks on nodes again, after cordon or drain."""
    _set_availability(names, "active")


def _set_availability(names: tuple[str, ...], availability: str) -> None:
    here = session()
    with hinting(here.client(), "node", names):
        changed = [here.client().update_node(name, availability=availability) for name in names]
    show_results(here, "nodes", changed, of=names)
