"""``okube snapshot``: the state of the cluster as a file, to keep and to restore from."""

from pathlib import Path
from typing import Any

import click

from okube.cli import moments
from okube.cli.exits import Ended
from okube.cli.locate import cluster_facts, find_cluster_file, required_cluster_file
from okube.cli.options import connects, examples, shows
from okube.cli.output import emit, note, show_list
from okube.cli.session import session
from okube.model.errors import BadFile, OkubeError, Unreachable

__all__ = ["snapshot"]

Row = dict[str, Any]


@click.group(
    epilog=examples("""
okube snapshot save           of this moment
okube snapshot list           those that managers took by themselves
okube snapshot inspect FILE   what is in one, and whether it is whole
okube snapshot restore FILE   the managers made anew from one
""")
)
def snapshot() -> None:
    """The cluster's state as a file, to keep and to restore from."""


@snapshot.command(
    epilog=examples("okube snapshot save\nokube snapshot save /backup/lab.okube\nokube --stale snapshot save")
)
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(dir_okay=False))
@click.option("--without-ca", is_flag=True, hidden=True)  # scripts of before give it; no file has the CA's key now
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@connects
@shows
def save(file: str | None, without_ca: bool, force: bool) -> None:
    """Save the state of this moment.

    With the unlock key the file brings the cluster back, on any machine: secrets, configs and the key of the CA are in
    it, encrypted with that key, which is not in it.
    """
    from okube.model.archive import read_archive
    from okube.security.private import write_private

    here = session()
    data = here.client().save_snapshot()
    head = read_archive(data).head
    path = Path(file or f"{head.cluster}-{moments.stamp(head.taken_ms)}.okube")
    if path.exists() and not force:
        raise Ended(1, f"{path} is there already: name another file, or replace it with --force")
    try:
        write_private(path.absolute(), data)
    except OSError as error:
        raise BadFile(f"{path} cannot be written: {error.strerror}") from error
    row = _row(path, len(data))
    if here.output in ("json", "yaml"):
        emit(here, row)
        return
    click.echo(f"{path}: revision {head.revision}, epoch {head.epoch}, {_contents(row)}, {_size(len(data))}")
    if head.unlock_key:
        sealed = "Secrets, configs and the CA's key" if head.authority else "Secrets and configs"
        note(
            f"{sealed} in it open with the unlock key {head.unlock_key} alone, which is not in it: keep what "
            "`okube keyring unlock-key` prints, in another place."
        )
    if not head.authority:
        note(f"The cluster's CA is not in it yet: keep a copy of ca.crt and ca.key of {head.managers[0]} too.")


@snapshot.command("list", epilog=examples("okube snapshot list\nokube snapshot list -o json"))
@connects
@shows
def list_snapshots() -> None:
    """Those that managers took by themselves.

    Each keeps its own on its machine. Where no manager answers, those on this machine are shown.
    """
    here = session()
    try:
        rows = here.client().snapshots()
    except Unreachable as error:
        file = find_cluster_file(here.config)
        rows = [] if file is None else _on_this_machine(Path(cluster_facts(file).data_dir))
        if not rows:
            raise
        note(f"okube: {error.detail.splitlines()[0]}; these are on this machine")
    show_list(here, "snapshots", rows)


@snapshot.command(epilog=examples("okube snapshot inspect lab-20261125T231500Z.okube"))
@click.argument("file", type=click.Path(dir_okay=False))
@shows
def inspect(file: str) -> None:
    """What is in a file, and whether it is whole."""
    here = session()
    path = Path(file)
    row = _row(path, len(_bytes_of(path)))
    if here.output in ("json", "yaml"):
        emit(here, row)
        return
    lines = {
        "cluster": f"{row['cluster']} ({row['cluster_id']})",
        "taken": f"{row['taken_at']} by {row['manager']} ({row['why']})",
        "revision": row["revision"],
        "epoch": row["epoch"],
        "holds": _contents(row),
        "managers": ", ".join(row["managers"]),
        "CA": _of_ca(row),
        "sealed": f"opens with the unlock key {row['unlock_key']}" if row["unlock_key"] else "nothing",
        "digest": row["digest"],
        "size": _size(row["bytes"]),
    }
    for name, value in lines.items():
        click.echo(f"{name:<10}{value}")


@snapshot.command(epilog=examples("okube snapshot restore lab.okube\nokube snapshot restore lab.okube --ca /backup/ca"))
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--ca", metavar="DIR", help="A folder with ca.crt and ca.key, where they cannot be had otherwise.")
@click.option("--unlock-key", "key", metavar="KEY", help="A file with the unlock key, where key_dir does not have it.")
@click.option("--without-unlock-key", "keyless", is_flag=True, help="Give up secrets and configs: the key is lost.")
@click.option("--incarnation", type=click.IntRange(1), metavar="N", help="The epoch's first number; else one more.")
@click.option("--config", metavar="FILE", help="cluster.yaml; else OKUBE_CONFIG, ./ or ~/.okube/.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(
    file: str,
    ca: str | None,
    key: str | None,
    keyless: bool,
    incarnation: int | None,
    config: str | None,
    yes: bool,
) -> None:
    """Make the managers of cluster.yaml anew from a snapshot.

    The cluster keeps its id and its CA, so that workers come along with their containers. All managers that there are
    must have ended; their folders on this machine are put aside. Then `okube up`.
    """
    from okube.processes.restore import plan_restore, restore_cluster

    path = required_cluster_file(config or session().config)
    data = _bytes_of(Path(file))
    try:
        plan = plan_restore(
            path,
            data,
            ca=None if ca is None else Path(ca),
            incarnation=incarnation,
            unlock_key=None if key is None else Path(key),
            without_unlock_key=keyless,
        )
        for line in plan.says:
            click.echo(line)
        if not yes and not click.confirm("Restore it?"):
            raise Ended(1, "nothing was changed")
        restore_cluster(plan, click.echo)
    except BadFile:
        raise
    except OkubeError as error:
        raise Ended(1, error.detail) from error


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}") from error


def _row(path: Path, size: int) -> Row:
    from okube.model.archive import read_archive
    from okube.model.quantities import rfc3339

    found = read_archive(_bytes_of(path))
    head = found.head
    return {
        "name": path.name,
        "path": str(path.absolute()),
        "bytes": size,
        "cluster": head.cluster,
        "cluster_id": head.cluster_id,
        "taken_at": rfc3339(head.taken_ms),
        "manager": head.taken_by,
        "why": head.why,
        "software": head.software,
        "revision": head.revision,
        "epoch": str(head.epoch),
        "digest": head.digest,
        "services": head.counts.services,
        "tasks": head.counts.tasks,
        "nodes": head.counts.nodes,
        "events": head.counts.events,
        "managers": list(head.managers),
        "ca": bool(head.authority) or found.authority is not None,
        "ca_key": "plain" if found.authority is not None else "sealed" if head.authority else "none",
        "unlock_key": head.unlock_key,
    }


def _on_this_machine(data_dir: Path) -> list[Row]:
    from okube.model.archive import SUFFIX

    rows = []
    of_before = data_dir.glob(f"replaced-*/*/snapshots/*{SUFFIX}")
    for path in (*data_dir.glob(f"*/snapshots/*{SUFFIX}"), *of_before):
        try:
            rows.append({**_row(path, path.stat().st_size), "manager": path.parent.parent.name})
        except BadFile as error:
            note(f"okube: {path}: {error.detail}")
    return sorted(rows, key=lambda row: str(row["taken_at"]), reverse=True)


def _of_ca(row: Row) -> str:
    return {
        "sealed": "its key is sealed with the rest",
        "plain": "its key is in it, for whoever reads the file: an earlier version saved it",
        "none": "not in it; a restore needs ca.crt and ca.key",
    }[row["ca_key"]]


def _contents(row: Row) -> str:
    return ", ".join(_count(row[what], what) for what in ("services", "tasks", "nodes"))


def _count(number: int, what: str) -> str:
    return f"{number} {what[:-1] if number == 1 else what}"


def _size(count: int) -> str:
    from okube.model.quantities import format_bytes

    return format_bytes(count)
