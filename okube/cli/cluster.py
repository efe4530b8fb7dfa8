"""``okube cluster``: what the whole cluster is built on: its folders, its CA, its certificates."""

from typing import Any, ClassVar

import click

from okube.cli.lazy import Entry, LazyGroup
from okube.cli.locate import required_cluster_file
from okube.cli.options import connects, examples, shows
from okube.cli.output import emit
from okube.cli.session import session

__all__ = ["cluster"]

Row = dict[str, Any]
_STEPS = {
    "no": "",
    "spreading": "another CA comes: every manager and worker learns to believe both",
    "signing": "the new CA signs; every manager and worker renews its certificate",
}


_config = click.option(
    "--config", metavar="FILE", type=click.Path(dir_okay=False), help="The cluster's file (else OKUBE_CONFIG, ...)."
)


class ClusterGroup(LazyGroup):
    """The commands, and what people write for them."""

    entries: ClassVar[dict[str, Entry]] = {
        "install": Entry("okube.cli.cluster_install:install", "Okube on the machines of cluster.yaml", "Machines"),
        "check": Entry("okube.cli.cluster_check:check", "what is wrong with machines", "Machines"),
        "upgrade": Entry("okube.cli.cluster_upgrade:upgrade", "another release, one by one", "Machines"),
        "support-bundle": Entry("okube.cli.cluster_support:support_bundle", "logs and states in a file", "Machines"),
        "uninstall": Entry("okube.cli.cluster_uninstall:uninstall", "take Okube off all machines", "Machines"),
        "add-node": Entry("okube.cli.cluster_nodes:add_node", "one more machine joins", "Machines"),
        "remove-node": Entry("okube.cli.cluster_nodes:remove_node", "empty one, and take it out", "Machines"),
        "readdress": Entry("okube.cli.cluster_readdress:readdress", "machines have other addresses", "Machines"),
        "replace-manager": Entry("okube.cli.cluster_nodes:replace_manager", "on another machine, or anew", "Machines"),
        "restore": Entry("okube.cli.cluster_restore:restore", "from a snapshot, on other machines", "Machines"),
    }
    misspelt: ClassVar[dict[str, str]] = {"rotate": "rotate-ca", "create": "init", "certificates": "ca"}


@click.group(
    cls=ClusterGroup,
    epilog=examples("""
okube cluster install -f cluster.yaml    over SSH, side by side
okube cluster rotate-ca                  while all goes on
"""),
)
def cluster() -> None:
    """The cluster as a whole: its machines, its files, its CA, its certificates."""


@cluster.command(short_help="which CAs are believed", epilog=examples("okube cluster ca\nokube cluster ca -o json"))
@connects
@shows
def ca() -> None:
    """Which CAs are believed, which one signs, and how far a change is."""
    here = session()
    _show(here.client().authorities())


@cluster.command(
    "rotate-ca",
    short_help="another CA takes its place, while all goes on",
    epilog=examples("""
okube cluster rotate-ca             begin: all learn to believe the new CA, then it signs
okube cluster ca                    how far that is, and whom it waits for
okube cluster rotate-ca --finish    the former CA is believed no more
okube cluster rotate-ca --proceed   do not wait for nodes that are away
okube cluster rotate-ca --give-up   while the new one does not sign yet
"""),
)
@click.option("--proceed", "action", flag_value="proceed", help="The new CA signs now; who is away renews by hand.")
@click.option("--finish", "action", flag_value="finish", help="Believe the former CA no more.")
@click.option("--give-up", "action", flag_value="give-up", help="Believe the new CA no more.")
@click.option("--force", is_flag=True, help="With --finish: although some are shut out by it.")
@connects
@shows
def rotate_ca(action: str | None, force: bool) -> None:
    """Another CA takes the place of the cluster's, while all goes on.

    First every manager and worker learns to believe both; then the new one signs, and all renew their certificates by
    themselves. Both are believed until you finish it, so that users get new files in time: the cluster's own admin has
    them at once.
    """
    here = session()
    if force and action != "finish":
        raise click.UsageError("--force is for --finish")
    _show(here.client().change_ca(action or "begin", force=force))


@cluster.command(
    short_help="make its files here, and start nothing",
    epilog=examples("okube cluster init --config /etc/okube/cluster.yaml"),
)
@_config
def init(config: str | None) -> None:
    """Make the cluster of cluster.yaml, and start nothing.

    That is its CA, the admin's credentials, and a folder for each process. `okube up` does it too, where it was not
    done.
    """
    from okube.processes.initial import make_cluster

    make_cluster(required_cluster_file(config or session().config), click.echo)


@cluster.command(
    short_help="certificates of this machine, offline",
    epilog=examples("okube cluster renew\nokube cluster renew --config /etc/okube/cluster.yaml"),
)
@_config
@click.option("--unlock-key", "key", metavar="FILE", help="A file with the unlock key, where autolock is on.")
def renew(config: str | None, key: str | None) -> None:
    """Renew certificates on this machine, without any manager.

    Processes that run renew theirs by themselves, and are left alone. This is for a cluster that was switched off until
    they had ended: on the machine of a manager that has the CA's key, or the unlock key. Machines elsewhere then renew
    theirs by themselves.
    """
    from pathlib import Path

    from okube.processes.renewing import renew_here

    path = required_cluster_file(config or session().config)
    renew_here(path, click.echo, unlock_key=None if key is None else Path(key))


def _show(found: Row) -> None:
    here = session()
    if here.output in ("json", "yaml"):
        emit(here, found)
        return
    for each in found["trusted"]:
        click.echo(f"CA {each['id']}  {'signs' if each['signs'] else 'is believed'}, ends {each['ends_at'][:10]}")
    step, waits = _STEPS.get(found["changing"], ""), found.get("waits_for") or []
    if not step:
        return
    click.echo(step)
    if waits:
        click.echo(f"waits for {', '.join(waits)}")
    elif found["changing"] == "signing":
        click.echo("all have renewed: end it with 'okube cluster rotate-ca --finish' once people have new files too")
