"""Which runtime a node has: decided once, at its agent's first start, and kept."""

import logging
from pathlib import Path
from typing import Literal

from okube.model.errors import InvalidInput
from okube.seams.clock import Clock, SystemClock
from okube.worker.runtime.base import Runtime, RuntimeUnavailable
from okube.worker.settings import WorkerSettings

__all__ = ["RuntimeKind", "as_kind", "choose_runtime", "kept_choice", "make_runtime"]

log = logging.getLogger(__name__)
RuntimeKind = Literal["docker", "process"]
_PROBE_S = 5.0


async def choose_runtime(settings: WorkerSettings, clock: Clock | None = None) -> Runtime:
    """The node's runtime, not started: as settings say, or for ``auto`` as decided before, or Docker if it answers.

    Raises:
        InvalidInput: settings ask for a runtime that there is not.
    """
    kept = kept_choice(settings.state_directory)
    wanted = as_kind(settings.runtime)
    if wanted is None and settings.runtime != "auto":
        raise InvalidInput(f"{settings.runtime!r} is no runtime: docker, process or auto")
    kind = wanted or kept or await _probe(settings.docker_host)
    if kept is None:
        log.info("node %s runs its tasks with runtime %s from now on", settings.name, kind)
    elif kept != kind:
        log.warning("node %s ran its tasks with runtime %s before; those are left as they are", settings.name, kept)
    _keep(settings.state_directory, kind)
    return make_runtime(kind, settings, clock or SystemClock())


def make_runtime(kind: RuntimeKind, settings: WorkerSettings, clock: Clock) -> Runtime:
    """A runtime of this kind, not started. Only the one that is used is imported."""
    if kind == "docker":
        from okube.worker.runtime.docker import DockerRuntime

        return DockerRuntime(settings.cluster_id, settings.name, settings.docker_host, clock)
    from okube.worker.runtime.process import ProcessRuntime

    return ProcessRuntime(settings.cluster_id, settings.name, settings.state_directory, clock)


def kept_choice(state_directory: Path) -> RuntimeKind | None:
    """What was decided before, or None."""
    try:
        text = _file(state_directory).read_text().strip()
    except FileNotFoundError:
        return None
    return as_kind(text)


def as_kind(text: str) -> RuntimeKind | None:
    """``docker`` or ``process``; None for anything else."""
    if text == "docker":
        return "docker"
    return "process" if text == "process" else None


def _keep(state_directory: Path, kind: RuntimeKind) -> None:
    if kept_choice(state_directory) == kind:
        return
    state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = _file(state_directory).with_suffix(".new")
    new.write_text(f"{kind}\n")
    new.rename(_file(state_directory))


def _file(state_directory: Path) -> Path:
    return state_directory / "runtime"


async def _probe(docker_host: str) -> RuntimeKind:
    """Docker, if an engine that is new enough answers."""
    from okube.worker.runtime.docker.client import EngineClient

    client = EngineClient(docker_host, threads=1, timeout_s=_PROBE_S)
    try:
        await client.call(lambda sdk: sdk.ping())
    except RuntimeUnavailable as error:
        log.info("%s; tasks will be processes of this machine", error)
        return "process"
    finally:
        await client.close()
    return "docker"
