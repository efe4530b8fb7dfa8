"""Opens a cluster for a change of one process: connections to its machines, and a look at all of them first.

What stands in the way on the machine that is to get something is found before anything is done; what is wrong with
other machines holds nothing up, for it may be the very reason for the change.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from okube.client.api import OkubeClient
from okube.config import ClusterConfig
from okube.config.rewrite import Rewritten
from okube.install.findings import Finding
from okube.install.inventory import Machine
from okube.install.layout import LAYOUT
from okube.install.machinefile import machine_file
from okube.install.nodes_site import Site, Teller
from okube.install.preflight import Wanted
from okube.install.release import Package, bundle_for, release_that_runs, see_to_release
from okube.install.remote import Remote
from okube.install.survey import Survey, connected, survey
from okube.install.terms import NotReady, Options
from okube.processes.seed import read_cluster

__all__ = ["open_site"]

_Silent = Sequence[tuple[Machine, str]]


@asynccontextmanager
async def open_site(
    made: Rewritten,
    machines: Sequence[Machine],
    client: OkubeClient,
    options: Options,
    tell: Teller,
    *,
    target: Machine | None = None,
    beside: Sequence[Machine] = (),
) -> AsyncIterator[Site]:
    """A site, closed at the end.

    Args:
        made: cluster.yaml as it is to be.
        machines: those of it.
        client: asks the managers.
        options: how it is wanted.
        tell: told what happens.
        target: the machine that is to get something; all are looked at for it.
        beside: machines that are no part of it any more, and are to be reached too.

    Raises:
        NotReady: something stands in the way on the target; nothing was changed.
        OkubeError: the bundle, or the cluster's files here, cannot be used.
    """
    known = {machine.host for machine in machines}
    every = [*machines, *(machine for machine in beside if machine.host not in known)]
    async with connected(every, accept_new=options.accept_new, say=tell.machine) as (remotes, silent):
        release, bundle = "", None
        if target is not None:
            release, bundle = await _preflight(made.config, target, machines, remotes, silent, options, tell)
        yield Site(
            made.config,
            machine_file(made.document),
            client,
            remotes,
            release=release,
            bundle=bundle,
            timeout_s=options.timeout_s,
            tell=tell,
        )


async def _preflight(
    config: ClusterConfig,
    target: Machine,
    machines: Sequence[Machine],
    remotes: Mapping[str, Remote],
    silent: _Silent,
    options: Options,
    tell: Teller,
) -> tuple[str, Path | None]:
    """The release that is to be installed, and the bundle that has it, where the target may need it."""
    package = bundle_for(options.bundle) if options.bundle else None
    away = [each for each in silent if each[0].host in {machine.host for machine in machines}]
    found = await survey(machines, remotes, away, _wanted(config, package), say=tell.machine)
    _refuse(target, found)
    running = release_that_runs(found.machines, found.facts)
    there = found.facts[target.host].entries.get(str(LAYOUT.versions), ())
    if package is None and (running is None or running not in there):
        tell.note("looking for the bundle, or making it")
        package = await asyncio.to_thread(bundle_for, None)
        found = await survey([target], remotes, (), _wanted(config, package))
        _refuse(target, found)
    release = see_to_release(running, package, named=options.bundle is not None)
    return release, None if package is None else package.path


def _wanted(config: ClusterConfig, package: Package | None) -> Wanted:
    targets = {} if package is None else {name: each.glibc for name, each in package.manifest.targets.items()}
    return Wanted(config=config, targets=targets, cluster_id=read_cluster(config).cluster_id)


def _refuse(target: Machine, found: Survey) -> None:
    """Errors of the target stand in the way; those of others are for `okube cluster check`."""
    away = [Finding.error(machine.host, why) for machine, why in found.silent if machine.host == target.host]
    errors = [each for each in found.errors if each.machine == target.host or target.host in each.what]
    if away or errors:
        raise NotReady("nothing was changed: mend this first", [*away, *errors])
