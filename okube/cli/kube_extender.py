"""``okube kube-extender``: kube-scheduler places pods near what they talk with."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from okube.cli.exits import BadInput, Ended
from okube.cli.options import connects, examples
from okube.cli.session import session
from okube.model.errors import BadFile, InvalidInput, Malformed, OkubeError

if TYPE_CHECKING:
    from okube.kube.okubenetwork import AskOkube

__all__ = ["kube_extender"]

_file = click.Path(path_type=Path, dir_okay=False)


@click.command(
    "kube-extender",
    epilog=examples("""
okube kube-extender                       in a pod of the cluster
okube kube-extender --kubeconfig ~/.kube/config --topology topology.yaml
okube kube-extender --okube               with an Okube cluster nearby
"""),
)
@connects
@click.option("--host", default="127.0.0.1", show_default=True, metavar="HOST", help="Where it listens.")
@click.option("--port", type=click.IntRange(0, 65535), default=7301, show_default=True, metavar="PORT")
@click.option("--topology", type=_file, metavar="FILE", help="What the network costs, and where nodes stand.")
@click.option("--okube", is_flag=True, help="Ask a cluster of Okube on the same machines.")
@click.option("--kubeconfig", type=_file, metavar="FILE", help="How Kubernetes is reached; else as a pod of it.")
@click.option("--tls-cert", type=_file, metavar="FILE", help="Serve HTTPS with this certificate,")
@click.option("--tls-key", type=_file, metavar="FILE", help="and this key,")
@click.option("--client-ca", type=_file, metavar="FILE", help="only to who has a certificate of this CA.")
def kube_extender(
    host: str,
    port: int,
    topology: Path | None,
    okube: bool,
    kubeconfig: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    client_ca: Path | None,
) -> None:
    """Filter and score nodes for kube-scheduler by the network (docs/kube-extender.md)."""
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key belong together: give both or none")
    if client_ca is not None and tls_cert is None:
        raise click.UsageError("--client-ca is for HTTPS: give --tls-cert and --tls-key too")
    from okube.kube.main import ExtenderSettings, run_kube_extender

    settings = ExtenderSettings(
        host=host,
        port=port,
        topology=topology,
        kubeconfig=kubeconfig,
        certificate=tls_cert,
        key=tls_key,
        client_ca=client_ca,
    )
    try:
        status = run_kube_extender(settings, _asking() if okube else None)
    except BadFile:
        raise
    except (InvalidInput, Malformed) as error:
        raise BadInput(error.detail.splitlines(), "nothing was started: correct the file and try again") from error
    except OkubeError as error:
        raise Ended(1, error.detail) from error
    raise Ended(status)


def _asking() -> "AskOkube":
    """Asks the cluster that the options, the environment or cluster.yaml name."""
    from okube.kube.okubenetwork import Asked

    client = session().new_client()
    return lambda: Asked(client.net(), client.topology())
