"""``okube cluster install``: the machines of cluster.yaml become its cluster."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from okube.cli.cluster_options import bundle_file, cluster_file, dry_runs, meets_machines, until_well, without_silent
from okube.cli.exits import Ended, WaitedInVain
from okube.cli.findings import ended, plain_findings, tell_findings
from okube.cli.locate import required_cluster_file
from okube.cli.machinelines import MachineLines
from okube.cli.options import examples, formats
from okube.cli.output import emit
from okube.cli.session import session
from okube.model.errors import OkubeError

if TYPE_CHECKING:
    from okube.install.terms import Outcome

__all__ = ["install", "plain_outcome", "show_outcome"]


@click.command(
    epilog=examples("""
okube cluster install -f cluster.yaml --dry-run
okube cluster install -f cluster.yaml
okube cluster install -f cluster.yaml --accept-new-host-keys
okube cluster install -f cluster.yaml --partial        leave out who does not answer
""")
)
@cluster_file
@bundle_file
@dry_runs
@without_silent
@meets_machines
@until_well
@formats
def install(
    config: str | None, bundle: str | None, dry_run: bool, partial: bool, accept_new_host_keys: bool, timeout: float
) -> None:
    """Install Okube on the machines of cluster.yaml over SSH, and start the cluster.

    All machines are looked at first, and nothing is changed where something stands in the way. Run again it changes
    what differs, and says what; an interrupted one goes on where it was.
    """
    from okube.install.run import install as install_all
    from okube.install.terms import NotReady, Options

    here = session()
    path = required_cluster_file(config or here.config)
    options = Options(
        bundle=None if bundle is None else Path(bundle),
        dry_run=dry_run,
        partial=partial,
        accept_new=accept_new_host_keys,
        timeout_s=timeout,
    )
    tell = MachineLines()
    try:
        outcome = install_all(path, options, tell)
    except NotReady as error:
        tell_findings(error.findings)
        raise Ended(1, error.detail) from error
    except OkubeError as error:
        raise ended(error) from error
    finally:
        tell.close()
    tell_findings(outcome.findings)
    show_outcome(outcome, dry_run)
    if outcome.health is not None and not outcome.health.is_well:
        missing = "; ".join(outcome.health.missing)
        raise WaitedInVain(f"it is installed, and not well after {timeout:g} s: {missing}; `okube status` shows more")


def show_outcome(outcome: "Outcome", dry_run: bool) -> None:
    """What an installation came to."""
    here = session()
    if here.output in ("json", "yaml"):
        emit(here, plain_outcome(outcome))
        return
    for plan in outcome.plans:
        for sentence in plan.sentences:
            click.echo(f"{plan.machine.label:<28} {sentence}")
    if dry_run and not outcome.was_nothing:
        click.echo("this is what would be done; nothing was changed")
    if outcome.was_nothing:
        click.echo(f"nothing to do: cluster {outcome.cluster} is as cluster.yaml says, with Okube {outcome.release}")
    if outcome.health is not None and outcome.health.is_well:
        managers = sum(len(plan.machine.managers) for plan in outcome.plans)
        workers = sum(len(plan.machine.workers) for plan in outcome.plans)
        click.echo(
            f"cluster {outcome.cluster} is well: {outcome.health.leader} leads, {_count(managers, 'manager')} and "
            f"{_count(workers, 'worker')} are ready ({outcome.took_s:.1f} s)"
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def plain_outcome(outcome: "Outcome") -> dict[str, Any]:
    """The same for scripts."""
    return {
        "cluster": outcome.cluster,
        "release": outcome.release,
        "nothing_to_do": outcome.was_nothing,
        "well": outcome.health.is_well if outcome.health is not None else None,
        "leader": outcome.health.leader if outcome.health is not None else None,
        "machines": [
            {"host": plan.machine.host, "processes": list(plan.machine.names), "steps": plan.sentences}
            for plan in outcome.plans
        ],
        "findings": plain_findings(outcome.findings),
        "seconds": round(outcome.took_s, 1),
    }
