"""``okube managers``: the replicas of the control plane, and how they change."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import click

from okube.cli import complete
from okube.cli.exits import Ended, WaitedInVain
from okube.cli.lazy import LazyGroup
from okube.cli.likely import hinting
from okube.cli.locate import find_cluster_file, required_cluster_file
from okube.cli.options import connects, examples, formats, shows, waits, watched
from okube.cli.output import note, show_list, show_results
from okube.cli.session import Session, session
from okube.client.api import OkubeClient
from okube.model.errors import BadFile, NotFound, OkubeError

if TYPE_CHECKING:
    from okube.processes.invited import Invitation

__all__ = ["managers"]

Row = dict[str, Any]
_POLL_S = 0.2
_INVITED_S = 600.0
_name = click.argument("name", metavar="NAME", shell_complete=complete.MANAGERS)


class ManagersGroup(LazyGroup):
    """Without a command it lists."""

    misspelt: ClassVar[Mapping[str, str]] = {
        "rm": "remove",
        "delete": "remove",
        "join": "add",
        "promote": "transfer",
        "ls": "list",
    }


@click.group(
    cls=ManagersGroup,
    invoke_without_command=True,
    epilog=examples("""
okube managers
okube managers --watch
okube managers add m4            a manager of cluster.yaml joins
okube managers remove m2         one that is lost, or not needed any more
okube managers transfer m3       have m3 lead
okube managers recover           the majority is gone for good
"""),
)
@watched
@connects
@shows
@click.pass_context
def managers(ctx: click.Context, watch: bool) -> None:
    """List the managers: role, state, revision, and how far each lags behind."""
    if ctx.invoked_subcommand is None:
        _list(watch)


@managers.command("list", epilog=examples("okube managers list\nokube managers list -o json"))
@watched
@connects
@shows
def list_managers(watch: bool) -> None:
    """The same as `okube managers`."""
    _list(watch)


def _list(watch: bool) -> None:
    here = session()
    if not watch:
        show_list(here, "managers", here.client().managers())
        return
    from okube.cli.feed import News, Tell, poll
    from okube.cli.watching import watch_list

    def source(client: OkubeClient, tell: Tell) -> Iterator[News]:
        return poll(client.managers, tell=tell)

    watch_list(here, "managers", source)


@managers.command(
    "add", epilog=examples("okube managers add m4        m4 is in cluster.yaml, and not in the cluster yet")
)
@_name
@waits
@connects
@formats
def add(name: str, wait: bool, timeout: float) -> None:
    """Have a manager of cluster.yaml join; ends when it votes.

    Call it on the new manager's machine, which starts it. Called on another one its folder is made there, and the
    machine that it is copied to starts it with `okube up -d`.
    """
    from okube.processes.members import add_manager

    here = session()
    path = required_cluster_file(here.config)
    added = _on_files(
        lambda: add_manager(path, name, _asker(here), note, now_ms=_now_ms(), invite=lambda: _invitation(here))
    )
    if not added.started:
        note(
            f"{name} belongs to {added.host}, which is another machine: copy {added.folder} there, with cluster.json "
            f"and cluster.yaml, run 'okube up -d' there, and remove the folder here. It votes once it has caught up."
        )
    elif wait:
        _wait_until_it_votes(here.client(), name, timeout)
    show_results(here, "managers", [_row(here.client(), name)], of=(name,))


@managers.command("remove", epilog=examples("okube managers remove m2"))
@_name
@connects
@formats
def remove(name: str) -> None:
    """Have a manager no longer: it hears of it, and stops. If it leads, another one leads first."""
    here = session()
    client = here.client()
    with hinting(client, "manager", (name,)):
        answer = client.remove_manager(name, instance=_instance(client, name))
    show_results(here, "removed managers", [{"name": name, "action": "removed"}], of=(name,))
    file = find_cluster_file(here.config)
    if file is None:
        return
    from okube.client.typed import members_of
    from okube.processes.members import forget_manager

    if not _on_files(lambda: forget_manager(file, name, members_of(answer))):
        note(f"{name} runs here still and has not heard that it was removed: end it")
    note(f"take {name} out of cluster.yaml too, on every machine")


@managers.command("transfer", epilog=examples("okube managers transfer\nokube managers transfer m2"))
@click.argument("name", metavar="[NAME]", required=False, shell_complete=complete.MANAGERS)
@connects
@formats
def transfer(name: str | None) -> None:
    """Have another manager lead: NAME, or the follower that has most. Nothing is lost and writes go on."""
    here = session()
    client = here.client()
    to = name or _most_advanced(client.managers())
    with hinting(client, "manager", (to,)):
        client.transfer_leadership(to)
    show_results(here, "managers", [_row(client, to)], of=(to,))


@managers.command("recover", epilog=examples("okube managers recover\nokube managers recover --yes"))
@click.option("--yes", is_flag=True, help="Do not ask.")
@connects
@formats
def recover(yes: bool) -> None:
    """Go on with one manager, when the majority is gone for good.

    The one that has most of those that answer goes on alone; the others cannot come back. Then add new ones.
    """
    from okube.cli.recover import go_on_alone

    go_on_alone(session(), yes)


@managers.command(
    epilog=examples("""
okube managers readdress m2=192.0.2.62
okube managers readdress m1=192.0.2.61 m2=192.0.2.62 m3=192.0.2.63 --offline    all at once, on each machine
""")
)
@click.argument("moves", nargs=-1, required=True, metavar="NAME=HOST[:PORT]…")
@click.option("--raft-port", type=click.IntRange(1, 65535), metavar="PORT", help="Another port for other managers.")
@click.option("--offline", is_flag=True, help="Of managers that do not run here, or find each other no more.")
@waits
@connects
@formats
def readdress(moves: tuple[str, ...], raft_port: int | None, offline: bool, wait: bool, timeout: float) -> None:
    """Tell where managers are reached from now on; each stays what it is, and hears of it by the log.

    Where so many machines got other addresses that managers find no majority, call it with --offline on each of them,
    with all that moved, and start the managers again.
    """
    from okube.cli.readdress import host_of, moved, moves_of, wait_until

    wanted = moves_of(moves)
    here = session()
    if offline:
        from okube.processes.moving import move_offline

        _on_files(lambda: move_offline(required_cluster_file(here.config), wanted, raft_port, moved, note))
        return
    client = here.client()
    rows = {str(row["name"]): row for row in client.managers()}
    with hinting(client, "manager", list(wanted)):
        for name, place in wanted.items():
            row = rows.get(name) or _missing(name)
            address = moved(str(row["address"]), place)
            port = raft_port or str(row["raft_address"]).rpartition(":")[2]
            client.readdress_manager(name, address=address, raft_address=f"{host_of(address)}:{port}")
    if wait:
        wait_until(lambda name: _row(client, name).get("state") == "ready", wanted, timeout, "does not answer there")
    show_results(here, "managers", [_row(client, name) for name in wanted], of=list(wanted))


def _missing(name: str) -> Row:
    raise NotFound(f"there is no manager {name}; `okube managers` lists them")


def _asker(here: Session) -> "Callable[[str, str, str], Any]":
    from okube.client.typed import members_of

    def ask(name: str, address: str, raft_address: str) -> Any:
        return members_of(here.client().add_manager(name, address=address, raft_address=raft_address))

    return ask


@contextlib.contextmanager
def _invitation(here: Session) -> "Iterator[Invitation]":
    """A token for one manager, which is worth nothing afterwards."""
    from okube.cli.token import make_token
    from okube.processes.invited import Invitation

    client = here.client()
    _, token = make_token(client, "manager", ttl_s=_INVITED_S, uses=1)
    try:
        places = [(address.host, address.port) for address in client.caller.managers]
        yield Invitation(token, places, {str(row["name"]): str(row.get("instance") or "") for row in client.managers()})
    finally:
        with contextlib.suppress(OkubeError):  # it ends soon by itself
            client.revoke_join_token(token.id)


def _on_files(work: Callable[[], Any]) -> Any:
    """Work on files of this machine; what is refused there ends as what the cluster refuses does."""
    try:
        return work()
    except BadFile:
        raise
    except OkubeError as error:
        if type(error).kind == "start-failed":
            raise Ended(1, error.detail) from error
        raise


def _instance(client: OkubeClient, name: str) -> str:
    """Which instance is meant, so that a repeat of the request removes no later one of that name."""
    row = next((row for row in client.managers() if row.get("name") == name), None)
    if row is None:
        raise NotFound(f"there is no manager {name}")
    return str(row.get("instance") or "")


def _most_advanced(rows: list[Row]) -> str:
    fit = [row for row in rows if row.get("role") == "follower" and row.get("state") == "ready"]
    if not fit:
        raise Ended(1, "no other manager is there that could lead; `okube managers` lists them")
    return str(max(fit, key=lambda row: (row.get("index") or 0, row.get("name")))["name"])


def _row(client: OkubeClient, name: str) -> Row:
    return next((row for row in client.managers() if row.get("name") == name), {"name": name})


def _wait_until_it_votes(client: OkubeClient, name: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        row = _row(client, name)
        if row.get("voter") and row.get("state") == "ready":
            return
        if time.monotonic() > deadline:
            raise WaitedInVain(
                f"{name} may join and does not vote after {timeout:g} s: it is {row.get('role')}, {row.get('state')}; "
                "its log says what holds it up"
            )
        time.sleep(_POLL_S)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
