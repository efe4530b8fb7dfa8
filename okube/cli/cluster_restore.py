"""``okube cluster restore``: the cluster of a snapshot, on the machines of cluster.yaml."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from okube.cli.cluster_install import plain_outcome, show_outcome
from okube.cli.cluster_options import bundle_file, cluster_file, dry_runs, meets_machines, until_well, without_silent
from okube.cli.exits import Ended, WaitedInVain
from okube.cli.findings import ended, tell_findings
from okube.cli.locate import required_cluster_file
from okube.cli.machinelines import MachineLines
from okube.cli.options import examples, formats
from okube.cli.output import emit, note
from okube.cli.session import session
from okube.model.errors import BadFile, OkubeError

if TYPE_CHECKING:
    from okube.install.restore import Restored, RestoreOptions

__all__ = ["restore"]


@click.command(
    epilog=examples("""
okube cluster restore lab.okube -f cluster.yaml --dry-run
okube cluster restore lab.okube -f cluster.yaml --unlock-key unlock.key
okube cluster restore lab.okube -f cluster.yaml --anew    managers of before are put aside
""")
)
@click.argument("snapshot", metavar="SNAPSHOT", type=click.Path(dir_okay=False))
@cluster_file
@bundle_file
@click.option("--unlock-key", "key", metavar="FILE", help="The unlock key, where key_dir does not have it.")
@click.option("--without-unlock-key", "keyless", is_flag=True, help="Give up secrets and configs: the key is lost.")
@click.option("--ca", metavar="DIR", help="A folder with ca.crt and ca.key, where they cannot be had otherwise.")
@click.option("--incarnation", type=click.IntRange(1), metavar="N", help="The epoch's first number; else one more.")
@click.option("--anew", is_flag=True, help="Begin anew, and put managers of before aside on their machines.")
@dry_runs
@without_silent
@meets_machines
@until_well
@click.option("--yes", is_flag=True, help="Do not ask.")
@formats
def restore(
    snapshot: str,
    config: str | None,
    bundle: str | None,
    key: str | None,
    keyless: bool,
    ca: str | None,
    incarnation: int | None,
    anew: bool,
    dry_run: bool,
    partial: bool,
    accept_new_host_keys: bool,
    timeout: float,
    yes: bool,
) -> None:
    """Restore the cluster of a snapshot on the machines of cluster.yaml, which may all be new.

    Bare machines get Okube; the managers begin with the snapshot's state, under the cluster's own id and CA. Workers
    that live come along with their containers; what ran elsewhere is placed anew. Nothing is changed where managers
    answer. Interrupted, it goes on when it is called again.
    """
    from okube.install.restore import RestoreOptions
    from okube.install.terms import Options

    here = session()
    path = required_cluster_file(config or here.config)
    options = RestoreOptions(
        install=Options(
            bundle=None if bundle is None else Path(bundle),
            dry_run=dry_run,
            partial=partial,
            accept_new=accept_new_host_keys,
            timeout_s=timeout,
        ),
        ca=None if ca is None else Path(ca),
        unlock_key=None if key is None else Path(key),
        without_unlock_key=keyless,
        incarnation=incarnation,
        anew=anew,
    )
    restored = _restore(path, _bytes_of(Path(snapshot)), options, yes=yes)
    if restored.outcome is None:
        raise Ended(1, "nothing was changed")
    _show(restored, dry_run)
    health = restored.outcome.health
    if health is not None and not health.is_well:
        missing = "; ".join(health.missing)
        raise WaitedInVain(f"it is restored, and not well after {timeout:g} s: {missing}; `okube status` shows more")


def _restore(path: Path, data: bytes, options: "RestoreOptions", *, yes: bool) -> "Restored":
    """Do it; where the unlock key is needed, and a person is there to ask, ask for it."""
    import msgspec

    from okube.install.restore import restore_on_machines
    from okube.install.terms import NotReady
    from okube.processes.restorekeys import NeedsUnlockKey
    from okube.security.keyring import UnlockKey

    tell = MachineLines()

    def agree(says: Sequence[str]) -> bool:
        tell.close()
        for line in says:
            note(line)
        return yes or click.confirm("Restore it?", err=True)

    try:
        return restore_on_machines(path, data, options, tell, agree)
    except NeedsUnlockKey as error:
        if not sys.stdin.isatty() or options.unlock_key is not None:
            raise
        note(f"okube: {error.detail}")
        typed = UnlockKey.parse(click.prompt("Unlock key", hide_input=True, err=True).strip())
        return _restore(path, data, msgspec.structs.replace(options, unlock_key=typed), yes=yes)
    except NotReady as error:
        tell_findings(error.findings)
        raise Ended(1, error.detail) from error
    except OkubeError as error:
        raise ended(error) from error
    finally:
        tell.close()


def _show(restored: "Restored", dry_run: bool) -> None:
    here, outcome = session(), restored.outcome
    assert outcome is not None
    tell_findings(outcome.findings)
    if here.output in ("json", "yaml"):
        said = {"restored": list(restored.says), "before": restored.before, "incarnation": restored.incarnation}
        emit(here, {**plain_outcome(outcome), **said, "locked": restored.locked})
        return
    if dry_run:
        for line in restored.says:
            click.echo(line)
    if restored.before != "nothing":
        then = "it goes on" if restored.before == "begun" else "it is not restored again"
        click.echo(f"this snapshot was restored before, in incarnation {restored.incarnation}: {then}")
    show_outcome(outcome, dry_run)
    if restored.locked:
        click.echo("its managers are locked: give them the unlock key with 'okube unlock'")


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}") from error
