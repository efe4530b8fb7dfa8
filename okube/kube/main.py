"""What ``okube kube-extender`` runs."""

import asyncio
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from random import Random

import aiohttp
import msgspec

from okube.kube.access import ApiAccess, from_kubeconfig, from_pod
from okube.kube.account import Account
from okube.kube.extender import Extender
from okube.kube.follow import Follower, nodes_of, pods_of
from okube.kube.machines import Machines
from okube.kube.okubenetwork import AskOkube, follow_okube
from okube.kube.protocol import Node, Pod
from okube.kube.server import make_app, serving
from okube.kube.topologyfile import read_topology
from okube.model.errors import BadFile, OkubeError
from okube.seams.daemon import run_daemon
from okube.seams.notify import Supervisor

__all__ = ["ExtenderSettings", "run_kube_extender", "serve"]


class ExtenderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where it listens, where it learns what runs where, and what it is told of the network.

    With ``certificate`` and ``key`` it serves HTTPS; with ``client_ca`` only to who shows a certificate of that CA.
    """

    host: str
    port: int
    topology: Path | None = None
    kubeconfig: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None


def run_kube_extender(settings: ExtenderSettings, okube: AskOkube | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns the exit status. ``okube`` asks a cluster that knows the network.

    Raises:
        OkubeError: a file cannot be used, or it is not known where the Kubernetes API is.
    """
    machines = Machines()
    if settings.topology is not None:
        told = read_topology(settings.topology)
        machines = Machines(told.costs, told.places)
    access, context = _access(settings), _server_context(settings)
    supervisor = Supervisor.of(os.environ, os.getpid())
    return run_daemon(
        "kube-extender",
        lambda stop: serve(settings, machines, access, context, stop, okube=okube, ready=supervisor.ready),
        expected=(OkubeError, OSError),
        supervisor=supervisor,
    )


async def serve(
    settings: ExtenderSettings,
    machines: Machines,
    access: ApiAccess,
    context: ssl.SSLContext | None,
    stop: asyncio.Event,
    *,
    okube: AskOkube | None = None,
    ready: Callable[[], None] = lambda: None,
    listening: Callable[[str, int], None] = lambda host, port: None,
) -> None:
    """Answer until ``stop`` is set.

    ``listening`` is told the address, and ``ready`` is called once pods and nodes are known.

    Raises:
        OSError: the address cannot be taken.
    """
    account = Account()
    async with aiohttp.ClientSession() as session:
        followers = (
            Follower(session, access, nodes_of(machines), Random(os.urandom(16))),
            Follower(session, access, pods_of(account), Random(os.urandom(16))),
        )

        def why_not() -> str:
            missing = [each.trouble for each in followers if not each.listed.is_set()]
            return f"pods and nodes are not known yet: {missing[0]}" if missing else ""

        app = make_app(Extender(machines, account), why_not)
        async with serving(app, settings.host, settings.port, context) as address, asyncio.TaskGroup() as group:
            listening(*address)
            tasks = [group.create_task(each.run()) for each in followers]
            tasks.append(group.create_task(_when_listed(followers, ready)))
            if okube is not None:
                tasks.append(group.create_task(follow_okube(machines, okube)))
            await stop.wait()
            for task in tasks:
                task.cancel()


async def _when_listed(followers: tuple[Follower[Node], Follower[Pod]], ready: Callable[[], None]) -> None:
    for each in followers:
        await each.listed.wait()
    ready()


def _access(settings: ExtenderSettings) -> ApiAccess:
    access = from_kubeconfig(settings.kubeconfig) if settings.kubeconfig is not None else from_pod(os.environ)
    if access is None:
        raise BadFile("it is not known where the Kubernetes API is: give --kubeconfig FILE, or run this in a pod.")
    return access


def _server_context(settings: ExtenderSettings) -> ssl.SSLContext | None:
    if settings.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.certificate, settings.key)
        if settings.client_ca is not None:
            context.load_verify_locations(settings.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (ssl.SSLError, OSError) as error:
        raise BadFile(f"the certificate, key or client CA cannot be used: {error}.") from error
    return context
