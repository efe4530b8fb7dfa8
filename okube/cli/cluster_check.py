"""``okube cluster check``: whether the machines and the cluster on them are well."""

from typing import TYPE_CHECKING, Any

import click

from okube.cli.cluster_options import cluster_file, meets_machines
from okube.cli.exits import Ended
from okube.cli.findings import ended, plain_findings, tell_findings
from okube.cli.locate import required_cluster_file
from okube.cli.machinelines import MachineLines
from okube.cli.options import examples, formats
from okube.cli.output import emit
from okube.cli.session import session
from okube.model.errors import OkubeError

if TYPE_CHECKING:
    from okube.install.check import Checked

__all__ = ["check"]


@click.command(epilog=examples("okube cluster check\nokube cluster check -f cluster.yaml -o json"))
@cluster_file
@meets_machines
@formats
def check(config: str | None, accept_new_host_keys: bool) -> None:
    """Look at the machines of cluster.yaml over SSH, and at the cluster on them; nothing is changed.

    Before an installation it tells what would stand in its way. It ends with 1 where something is wrong; warnings alone
    are no error.
    """
    from okube.install.check import check as look_at_all

    here = session()
    path = required_cluster_file(config or here.config)
    try:
        checked = look_at_all(path, accept_new=accept_new_host_keys, say=MachineLines().machine)
    except OkubeError as error:
        raise ended(error) from error
    if here.output in ("json", "yaml"):
        emit(here, _plain(checked))
    else:
        tell_findings(checked.findings)
        if checked.is_well:
            click.echo(_summary(checked))
    if not checked.is_well:
        errors = sum(finding.severity == "error" for finding in checked.findings)
        raise Ended(1, "" if here.output in ("json", "yaml") else f"{errors} {'errors' if errors > 1 else 'error'}")


def _summary(checked: "Checked") -> str:
    machines = f"{len(checked.machines)} {'machine' if len(checked.machines) == 1 else 'machines'}"
    if checked.health is None:
        return f"{machines} ready for 'okube cluster install'"
    return f"cluster {checked.cluster} is well: {machines}, {checked.health.leader} leads"


def _plain(checked: "Checked") -> dict[str, Any]:
    return {
        "cluster": checked.cluster,
        "well": checked.is_well,
        "installed": checked.health is not None,
        "machines": [{"host": each.host, "processes": list(each.names)} for each in checked.machines],
        "findings": plain_findings(checked.findings),
    }
