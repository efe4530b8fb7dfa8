"""The JSON shapes of what runs: services, their tasks, and apps; and what changes of them are sent and answered."""

from typing import Annotated, Literal

import msgspec

from okube.model.dependency import Dependencies
from okube.model.mounts import Mounts
from okube.model.placing import Companies, MaxPerNode, Preferences, Priority
from okube.model.resources import Limits, Resources
from okube.model.secret import SecretKind
from okube.model.spec import MAX_REPLICAS, Mode, Port, Restart, RestartPolicy, ServiceSpec, Stop, Volume
from okube.model.task import Reason, TaskState
from okube.model.views import Revision, Time

__all__ = [
    "Action",
    "AppState",
    "AppView",
    "AppliedService",
    "ApplyAnswer",
    "ApplyBody",
    "GivenView",
    "ScaleBody",
    "ServiceAnswer",
    "ServiceView",
    "TaskPort",
    "TaskView",
    "UpdateView",
    "VersionView",
]

Action = Literal["created", "changed", "unchanged", "removed"]
AppState = Literal["deploying", "running", "partial", "stopping", "stopped"]


class UpdateView(msgspec.Struct, frozen=True):
    """How a changed spec rolls, and how far it is: ``done`` of ``total`` slots serve with the newest version.

    Slots whose task ended by its own policy are done too; ``failed`` of them failed for good.
    """

    order: Literal["stop-first", "start-first"]
    state: Literal["done", "rolling", "stopped"]
    done: int
    total: int
    failed: int = 0


class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """A service: its spec, and how far it is. What GET gives, PUT takes."""

    kind: Literal["Service"] = "Service"
    id: str
    name: str
    image: str
    app: str | None
    mode: Mode
    replicas: int
    command: tuple[str, ...]
    env: dict[str, str]
    ports: tuple[Port, ...]
    resources: Resources
    volumes: tuple[Volume, ...]
    restart: Restart
    constraints: tuple[str, ...]
    stop: Stop
    update: UpdateView
    labels: dict[str, str]
    secrets: Mounts = msgspec.UNSET
    configs: Mounts = msgspec.UNSET
    prefer: Preferences = msgspec.UNSET
    affinity: Companies = msgspec.UNSET
    anti_affinity: Companies = msgspec.UNSET
    max_per_node: MaxPerNode = msgspec.UNSET
    depends_on: Dependencies = msgspec.UNSET
    priority: Priority = msgspec.UNSET
    running: int
    version: int
    stopped: bool
    created_by: str
    created_at: Time | None
    updated_at: Time | None
    revision: Revision


class VersionView(msgspec.Struct, frozen=True):
    """A version of a service's spec; those before the current one are what `rollback` goes back to."""

    version: int
    current: bool
    spec: ServiceSpec


class ServiceAnswer(ServiceView, frozen=True, kw_only=True):
    """What a write of a service answers: the service, and what was done."""

    action: Action


class TaskPort(msgspec.Struct, frozen=True):
    """A port of a task: the node's port that leads to the container's; host 0 is one that is not chosen yet."""

    host: int
    container: int
    protocol: Literal["tcp", "udp"]


class GivenView(msgspec.Struct, frozen=True):
    """A secret or config that a task is given, and in which version; its value is shown nowhere."""

    kind: SecretKind
    name: str
    version: int


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    """A task with the settings it runs with; ``message`` is a sentence on what it waits for or how it ended."""

    id: str
    name: str
    service: str
    slot: int
    app: str | None
    version: int
    state: TaskState
    ready: bool
    desired: Literal["run", "stop"]
    reason: Reason | None
    message: str
    node: str | None
    image: str
    cpus: float
    memory: int
    disk: int
    ports: tuple[TaskPort, ...]
    restart_policy: RestartPolicy
    container_id: str | None
    exit_code: int | None
    restarts: int
    created_at: Time | None
    started_at: Time | None
    ended_at: Time | None
    revision: Revision
    placement: str | None = None  # why it is on its node, as a sentence
    given: tuple[GivenView, ...] | msgspec.UnsetType = msgspec.UNSET  # not there where it is given nothing
    named: dict[str, int] | msgspec.UnsetType = (
        msgspec.UNSET
    )  # named resources that it was promised, where there are any
    limits: Limits | msgspec.UnsetType = msgspec.UNSET  # where they are not what it was promised


class AppView(msgspec.Struct, frozen=True, kw_only=True):
    """An app: the names of its services, and sums over them: tasks that have not ended, ready ones, and wanted ones.

    It is ``running`` when all is as it should be, ``deploying`` while it is on its way there, and ``partial`` where
    something stands in the way, or a part of it is stopped.
    """

    name: str
    services: tuple[str, ...]
    tasks: int
    ready: int
    wanted: int
    state: AppState


class AppliedService(msgspec.Struct, frozen=True):
    """What was done, or would be, to one service."""

    name: str
    action: Action


class ApplyAnswer(msgspec.Struct, frozen=True):
    """What an apply did; with the revision one can wait for all of it."""

    revision: Revision
    services: tuple[AppliedService, ...]


class ApplyBody(msgspec.Struct, frozen=True):
    """Several services at once: all or none."""

    services: Annotated[tuple[ServiceSpec, ...], msgspec.Meta(min_length=1, max_length=1000)]


class ScaleBody(msgspec.Struct, frozen=True):
    """How many tasks each service should have: all or none."""

    services: Annotated[
        dict[str, Annotated[int, msgspec.Meta(ge=0, le=MAX_REPLICAS)]],
        msgspec.Meta(min_length=1, examples=[{"web": 5}]),
    ]
