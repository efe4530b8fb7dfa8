"""The runtime on a Docker Engine."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.errors import APIError

from okube.model.errors import Conflict, NotFound
from okube.model.exec import ExecRequest
from okube.model.spec import ServiceSpec
from okube.model.wire import AssignedTask, LogLine
from okube.seams.clock import Clock
from okube.worker.runtime.accounting import Consumption
from okube.worker.runtime.base import Container, RuntimeFailure, RuntimeUnavailable
from okube.worker.runtime.changes import Changes, Listener
from okube.worker.runtime.docker.body import container_body, read_container
from okube.worker.runtime.docker.client import EngineClient, message_of
from okube.worker.runtime.docker.consumption import Consumptions
from okube.worker.runtime.docker.events import EventPump
from okube.worker.runtime.docker.execute import DockerExec
from okube.worker.runtime.docker.holdings import (
    as_it_is,
    foreign_clusters,
    inspect,
    is_doubtful,
    list_containers,
    take_out_of_network,
)
from okube.worker.runtime.docker.images import Images
from okube.worker.runtime.docker.output import read_lines
from okube.worker.runtime.docker.refusals import (
    is_being_removed,
    is_engines_own_trouble,
    stale_endpoint,
    start_refused,
)
from okube.worker.runtime.lines import LogBounds
from okube.worker.runtime.naming import CLUSTER_LABEL, NODE_LABEL, container_name
from okube.worker.runtime.provided import NOTHING, Provided
from okube.worker.runtime.refusals import path_absent
from okube.worker.runtime.signals import check_signals, signal_number

__all__ = ["DockerRuntime"]

log = logging.getLogger(__name__)
_LOOK_AGAIN_S = 1.0  # while waiting for an end whose event may be lost
_PING_S = 4.0
_REMOVING_S, _REMOVING_LOOK_S = 10.0, 0.05
_DYING_S = 30.0  # what a killed container may take to be gone


class DockerRuntime:
    """Containers of one cluster and one node on the engine at ``base_url``; see `Runtime`.

    Several runtimes may share one engine: each sees only what carries its cluster's id and its node's name.
    """

    name = "docker"

    def __init__(
        self,
        cluster_id: str,
        node: str,
        base_url: str,
        clock: Clock,
        *,
        threads: int = 8,
        timeout_s: float = 30.0,
        logs: LogBounds | None = None,
    ) -> None:
        self._cluster_id = cluster_id
        self._node = node
        self._clock = clock
        self._logs = logs or LogBounds()
        self._labels = [f"{CLUSTER_LABEL}={cluster_id}", f"{NODE_LABEL}={node}"]
        self._client = EngineClient(base_url, threads=threads, timeout_s=timeout_s)
        self._images = Images(self._client, node)
        self._changes = Changes()
        self._events = EventPump(
            self._client,
            clock,
            self._labels,
            on_event=self._happened,
            on_break=self._forget,
            on_return=self._tell_all,
        )
        self._pump: asyncio.Task[None] | None = None
        self._mine: dict[str, str] = {}  # id → image of containers that were found to be ours; neither ever changes
        self._known: dict[str, Container] = {}  # as inspected; holds only while no event is missed
        self._epoch = 0  # counts what may have made an inspection out of date while it was under way
        self._processors = 0.0
        self._root: Path | None = None
        self._consumptions = Consumptions()
        self._measuring = asyncio.Lock()

    async def start(self) -> None:
        """Connect, learn what the machine has, and listen to the engine's events."""
        info: dict[str, Any] = await self._client.ask(lambda sdk: sdk.info())
        self._processors = float(info.get("NCPU") or 0)
        if self._client.base_url.startswith("unix://") and info.get("DockerRootDir"):
            self._root = Path(info["DockerRootDir"])
        if self._pump is None:
            self._pump = asyncio.create_task(self._events.run(), name="docker-events")

    async def close(self) -> None:
        """Let go of the connection, the threads and the event stream; containers go on."""
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump
        self._changes.close()
        await self._client.close()

    async def ping(self) -> None:
        """Ask the engine for a sign of life, past the threads, which may all wait for it."""
        await self._client.ping(_PING_S)

    def places(self) -> tuple[Path, ...]:
        """The engine's data root, once it is known and if it is of this machine."""
        return () if self._root is None else (self._root,)

    async def foreign(self) -> dict[str, tuple[int, int]]:
        """Containers and volumes that bear the label of another cluster."""
        return await self._client.ask(lambda sdk: foreign_clusters(sdk, self._cluster_id))

    async def list(self) -> list[Container]:
        """All containers of this cluster and node, by their labels; one that is just being removed is not there."""
        epoch = self._epoch
        found = await self._client.ask(lambda sdk: list_containers(sdk, self._labels, dict(self._known)))
        if self._events.connected and epoch == self._epoch:
            self._known = {container.id: container for container in found}
        self._mine = {c.id: self._mine[c.id] for c in found if c.id in self._mine}
        return found

    async def prepare(self, task: AssignedTask) -> None:
        """Check the stop signal and the volumes' paths, and bring the image if it is absent."""
        check_signals(task.spec)
        self._check_place(task.spec)
        if self._client.base_url.startswith("unix://"):  # else the paths are another machine's
            for volume in task.spec.volumes:
                if "/" in volume.source and not await self._client.in_thread(Path(volume.source).exists):
                    raise path_absent(volume.source, self._node)
        await self._images.ensure(task.spec.image)

    async def create(self, task: AssignedTask, provided: Provided = NOTHING) -> Container:
        """Make the task's container, or find the one that its name shows to be there."""
        name = container_name(self._cluster_id, task.id)
        body = container_body(
            task,
            cluster_id=self._cluster_id,
            node=self._node,
            processors=self._processors,
            logs=self._logs,
            provided=provided,
            environ=await self._client.in_thread(provided.environ),
        )
        try:
            made = await self._make(body, name)
        except APIError as error:
            if error.status_code == 409:
                return await self._existing(name)
            raise self._refusal(error, task.spec.image) from error
        self._mine[made["Id"]] = task.spec.image
        return Container(made["Id"], task.id, "created", stop_signal=task.spec.stop.signal)

    async def run(self, container_id: str) -> Container:
        """Start it, also again; one that runs goes on."""
        if container_id not in self._mine and await self._ours(container_id) is None:
            raise self._gone(container_id)
        image = self._mine.get(container_id, "")
        self._changed(container_id)
        try:
            await self._begin(container_id)
        except APIError as error:
            if await self._went_away(container_id, error):
                raise self._gone(container_id) from error
            raise self._refusal(error, image) from error
        finally:
            self._changed(container_id)
        container = await self.inspect(container_id)
        if container is None:
            raise RuntimeFailure("start-failed", f"container {container_id[:12]} was removed while it started")
        return container

    async def signal(self, container_id: str, name: str) -> None:
        """Send a signal to its program; nothing happens where it does not run."""
        if await self._ours(container_id) is not None:
            await self._signal(container_id, name)

    async def stop(self, container_id: str, *, signal: str, grace_s: float) -> None:
        """Send ``signal``, and SIGKILL after ``grace_s``; no thread waits meanwhile."""
        container = await self.inspect(container_id)
        if container is None or container.state != "running":
            return
        ends = self._changes.listen(container.task_id)
        if container.paused:  # the engine refuses to end it before
            await self._unpause(container_id)
        await self._signal(container_id, signal)
        if await self._ended(container_id, ends, grace_s):
            return
        log.info("task %s did not end within %.1f s of %s: SIGKILL", container.task_id, grace_s, signal)
        await self._signal(container_id, "SIGKILL")
        if not await self._ended(container_id, ends, _DYING_S):
            raise RuntimeUnavailable(
                f"container {container_id[:12]} of node {self._node} lives {_DYING_S:.0f} s after SIGKILL; "
                "its process hangs in the kernel (a dead disk or NFS mount?)"
            )

    async def remove(self, container_id: str) -> None:
        """Remove it by force, with its anonymous volumes."""
        if await self._ours(container_id) is None:
            return
        try:
            await self._client.call(lambda sdk: sdk.remove_container(container_id, force=True, v=True))
        except APIError as error:
            if error.status_code not in (404, 409):  # gone, or its removal is under way
                raise RuntimeUnavailable(
                    f"the Docker Engine of node {self._node} cannot remove {container_id[:12]}: {error.explanation}"
                ) from error
        finally:
            self._changed(container_id)

    async def inspect(self, container_id: str) -> Container | None:
        """One container as it is now, or None if it is gone or not ours."""
        data = await self._ours(container_id)
        return await self._read(data) if data is not None else None

    def changes(self) -> Listener:
        """Ids of tasks whose container may have changed, from the engine's events; all of them after a break."""
        return self._changes.listen()

    async def logs(
        self, container_id: str, *, follow: bool, tail: int | None, since_ms: int | None
    ) -> AsyncIterator[LogLine]:
        """Its output as the engine keeps it; nothing for a container that is gone."""
        if await self._ours(container_id) is None:
            return
        params = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": "1" if follow else "0"}
        params["tail"] = "all" if tail is None else str(tail)
        if since_ms is not None:
            params["since"] = f"{since_ms / 1000:.3f}"
        async with self._client.stream("GET", f"/containers/{container_id}/logs", params) as answer:
            if answer.status in (404, 409):
                return
            if answer.status >= 400:
                raise RuntimeUnavailable(
                    f"the engine of node {self._node} has no log of container {container_id[:12]}: "
                    f"{await message_of(answer)}"
                )
            async for line in read_lines(answer.content):
                yield line

    async def exec(self, container_id: str, request: ExecRequest) -> DockerExec:
        """Run a command beside the container's own."""
        if await self._ours(container_id) is None:
            raise NotFound(f"container {container_id[:12]} is gone from node {self._node}")
        try:
            return await DockerExec.begin(self._client, container_id, request)
        except APIError as error:
            if error.status_code == 409:
                raise Conflict(f"the engine of node {self._node} refuses: {error.explanation}") from error
            raise RuntimeUnavailable(
                f"the Docker Engine of node {self._node} cannot run a command: {error.explanation}"
            ) from error

    def _check_place(self, spec: ServiceSpec) -> None:
        if spec.all_mounts and not self._client.base_url.startswith("unix://"):
            raise RuntimeFailure(
                "start-failed",
                f"node {self._node} uses an engine on another machine, which sees nothing of the files that the agent "
                f"keeps in memory: run service {spec.name} on nodes with an engine of their own",
            )

    async def _begin(self, container_id: str) -> None:
        try:
            await self._client.call(lambda sdk: sdk.start(container_id))
        except APIError as error:
            network = stale_endpoint(error.explanation or "")
            if network is None:
                raise
            log.warning("container %s is in network %s still; it is taken out and started", container_id[:12], network)
            await self._client.call(lambda sdk: take_out_of_network(sdk, container_id, network))
            await self._client.call(lambda sdk: sdk.start(container_id))

    async def _went_away(self, container_id: str, error: APIError) -> bool:
        """Whether it cannot be started because somebody removed it, or does so now: then until it is gone."""
        if error.status_code == 404:
            return await self.inspect(container_id) is None
        if not is_being_removed(error.explanation or ""):
            return False
        end = self._clock.monotonic() + _REMOVING_S
        while await self.inspect(container_id) is not None:
            if self._clock.monotonic() > end:
                return False
            await asyncio.sleep(_REMOVING_LOOK_S)
        return True

    def _refusal(self, error: APIError, image: str) -> RuntimeFailure | RuntimeUnavailable:
        """Why a container cannot be made or started now: its own fault, or the engine's."""
        text = error.explanation or ""
        if is_engines_own_trouble(text):
            return RuntimeUnavailable(f"the Docker Engine of node {self._node} has trouble of its own: {text}")
        return start_refused(text, image=image, node=self._node)

    def _gone(self, container_id: str) -> RuntimeFailure:
        return RuntimeFailure("start-failed", f"container {container_id[:12]} is gone from node {self._node}")

    async def _make(self, body: dict[str, Any], name: str) -> dict[str, Any]:
        """Make a container; an image that was removed since it was seen is brought again."""
        try:
            return await self._client.call(lambda sdk: _create(sdk, body, name))
        except APIError as error:
            if error.status_code != 404 or not self._images.forget(body["Image"]):
                raise
        await self._images.ensure(body["Image"])
        return await self._client.call(lambda sdk: _create(sdk, body, name))

    async def usage(self) -> dict[str, tuple[str, Consumption]]:
        """What each running container uses."""
        running = {container.id: container for container in await self.list() if container.state == "running"}
        async with self._measuring:
            found = await self._client.ask(lambda sdk: self._consumptions.read(sdk, list(running.values())))
        return {container_id: (running[container_id].task_id, used) for container_id, used in found.items()}

    async def _existing(self, name: str) -> Container:
        data = await self._ours(name)
        if data is None:
            raise RuntimeFailure(
                "start-failed",
                f"node {self._node} has another container named {name}; remove it there with docker rm {name}",
            )
        return await self._read(data)

    async def _read(self, data: dict[str, Any]) -> Container:
        """The engine's answer to ``inspect``; where it leaves a doubt, the kernel is asked too."""
        return await self._client.in_thread(lambda: as_it_is(data)) if is_doubtful(data) else read_container(data)

    async def _ours(self, container: str) -> dict[str, Any] | None:
        data = await self._client.ask(lambda sdk: inspect(sdk, container))
        if data is None:
            return None
        labels = data["Config"]["Labels"] or {}
        if labels.get(CLUSTER_LABEL) != self._cluster_id or labels.get(NODE_LABEL) != self._node:
            return None
        self._mine[data["Id"]] = data["Config"]["Image"]
        return data

    async def _signal(self, container_id: str, name: str) -> None:
        known = name if signal_number(name) is not None else "SIGTERM"
        try:
            await self._client.call(lambda sdk: sdk.kill(container_id, known))
        except APIError as error:
            if error.status_code not in (404, 409):  # gone, or not running any more
                raise RuntimeUnavailable(
                    f"the Docker Engine of node {self._node} cannot signal {container_id[:12]}: {error.explanation}"
                ) from error

    async def _unpause(self, container_id: str) -> None:
        with suppress(APIError):  # somebody was faster; else the signal is refused with a better sentence
            await self._client.call(lambda sdk: sdk.unpause(container_id))

    async def _ended(self, container_id: str, changes: Listener, seconds: float) -> bool:
        end = self._clock.monotonic() + seconds
        while True:
            container = await self.inspect(container_id)
            if container is None or container.state != "running":
                return True
            left = end - self._clock.monotonic()
            if left <= 0:
                return False
            await changes.within(min(left, _LOOK_AGAIN_S))

    def _happened(self, container_id: str, task_id: str) -> None:
        self._changed(container_id)
        self._changes.publish(task_id)

    def _changed(self, container_id: str) -> None:
        self._epoch += 1
        self._known.pop(container_id, None)

    def _forget(self) -> None:
        self._epoch += 1
        self._known.clear()

    async def _tell_all(self) -> None:
        for container in await self.list():
            self._changes.publish(container.task_id)


def _create(sdk: APIClient, body: dict[str, Any], name: str) -> dict[str, Any]:
    made: dict[str, Any] = sdk.create_container_from_config(body, name)  # type: ignore[no-untyped-call]  # not in the stubs
    return made
