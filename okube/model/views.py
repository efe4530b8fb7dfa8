"""The JSON shapes of the API: one struct for each thing that it answers or takes; `contract.md` fixes the names.

Servers make their answers of them, `/openapi.json` is generated from them, and the typed client reads into them. Memory
and disk are bytes, cpus are cores, times are RFC 3339 in UTC. A new field goes to the end of its struct, with a default
where an older manager may leave it out.
"""

from typing import Annotated, Any, Literal

import msgspec

from okube.model.event import EventKind, Level, SubjectKind
from okube.model.managers import Address
from okube.model.mounts import Mounts
from okube.model.node import Availability, NodeState
from okube.model.secret import SecretKind
from okube.model.spec import (
    MAX_REPLICAS,
    Labels,
    Mode,
    Port,
    Resources,
    Restart,
    RestartPolicy,
    ServiceSpec,
    Stop,
    Volume,
)
from okube.model.task import Reason, TaskState

__all__ = [
    "Action",
    "AppState",
    "AppView",
    "AppliedService",
    "ApplyAnswer",
    "ApplyBody",
    "CertificateEnd",
    "CertificatesView",
    "ConditionView",
    "EventView",
    "GivenView",
    "Health",
    "ManagerView",
    "NodeChange",
    "NodeUsageView",
    "NodeView",
    "OwnState",
    "Problem",
    "ProblemField",
    "Readiness",
    "ScaleBody",
    "ServiceAnswer",
    "ServiceView",
    "StatusView",
    "TaskPort",
    "TaskUsageView",
    "TaskView",
    "UpdateView",
    "UsageView",
    "VersionView",
    "WatchLine",
]

Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
Revision = Annotated[int, msgspec.Meta(ge=0, description="The change of the cluster's state that made it so.")]
Action = Literal["created", "changed", "unchanged", "removed"]
AppState = Literal["deploying", "running", "partial", "stopping", "stopped"]
ManagerRole = Literal["leader", "follower", "candidate", "learner", "unknown"]


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


class ConditionView(msgspec.Struct, frozen=True):
    """Something wrong with a machine: a word, a sentence, and since when the cluster knows.

    In `engine-unreachable`, `disk-full`, `epoch-ahead` (its agent obeys a newer epoch than the leader's) and
    `no-heartbeats` (its agent only answers calls) a node gets no new tasks. The others are `disk-nearly-full`,
    `memory-low` and `leftovers` (containers or volumes of a cluster that has ended).
    """

    kind: str
    message: str
    since: Time | None


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """A node with what its tasks were promised; ``last_seen`` is known to the leader alone, and null in stale reads."""

    name: str
    id: str
    address: str
    role: str
    state: NodeState
    availability: Availability
    labels: dict[str, str]
    zone: str
    cores: float
    cores_allocated: float
    memory: int
    memory_allocated: int
    disk: int
    disk_allocated: int
    task_count: int
    last_seen: Time | None
    runtime: str
    software: str
    revision: Revision
    conditions: list[ConditionView] = []
    held_until: Time | None = None  # it came and went too often, and gets no new tasks before then
    message: str = ""
    certificate_ends: Time | None = None  # of its agent; known to the leader alone, like `last_seen`


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


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened: ``count`` times, or to so many, first at ``first_time`` and last at ``time``.

    ``by`` is who asked for it; empty: the cluster itself.
    """

    id: str
    time: Time | None
    first_time: Time | None
    count: Annotated[int, msgspec.Meta(ge=1)]
    level: Level
    kind: EventKind
    subject_kind: SubjectKind
    subject: str
    service: str | None
    task_id: str | None
    node: str | None
    reason: str | None
    message: str
    by: str
    revision: Revision


class WatchLine(msgspec.Struct, frozen=True):
    """One line of a watch: an object that is new or changed, or one that is gone or not let pass by the filters now.

    A ``mark`` has no object: everything up to its revision has been told, and the stream lives.
    """

    type: Literal["put", "delete", "mark"]
    revision: Revision
    object: Any = msgspec.UNSET


class CertificateEnd(msgspec.Struct, frozen=True):
    """Whose certificate ends first of all, and when; ``whose`` is the name of a manager or a node."""

    whose: str
    ends: Time


class CertificatesView(msgspec.Struct, frozen=True, kw_only=True):
    """When certificates end: that of the CA (null where it is not in the state yet), and the first one of all."""

    ca_ends: Time | None = None
    next_end: CertificateEnd | None = None


class OwnState(msgspec.Struct, frozen=True, kw_only=True):
    """What a manager knows of itself; ``digest`` is equal where revisions are, ``leader`` None where none is heard."""

    name: str
    role: ManagerRole
    state: Literal["ready", "disk-full"] = "ready"
    epoch: str
    revision: Revision
    digest: str
    index: int
    command_version: int = 1
    software: str = ""
    leader: str | None = None
    locked: bool = False
    certificate_ends: Time | None = None
    next_end: CertificateEnd | None = None  # of the nodes' certificates, as the leader knows them


class ManagerView(msgspec.Struct, frozen=True, kw_only=True):
    """A manager with what it says of itself; of one that is down, nothing is known. ``lag`` counts revisions.

    ``command_version`` is what it knows, ``software`` its version of Okube.
    One that is `disk-full` takes no part until there is room, and passes on what it is asked.
    A manager that joins is a ``learner`` and no ``voter`` until it has what the others have.
    One that is ``locked`` lacks the unlock key, and serves all but secrets and configs.
    """

    name: str
    address: str
    role: ManagerRole
    state: Literal["ready", "disk-full", "down"]
    epoch: str | None
    revision: Revision | None
    digest: str | None
    index: int | msgspec.UnsetType = msgspec.UNSET
    lag: int | None
    command_version: int | None = None
    software: str | None = None
    instance: str = ""
    raft_address: str = ""
    voter: bool = True
    certificate_ends: Time | None = None  # when what it shows now ends; it renews that by itself long before
    locked: bool = False


class SnapshotView(msgspec.Struct, frozen=True, kw_only=True):
    """A saved snapshot that a manager keeps, and where on its machine."""

    name: str
    manager: str
    path: str
    bytes: Annotated[int, msgspec.Meta(ge=0)]
    cluster: str
    cluster_id: str
    taken_at: str
    why: str
    revision: Revision
    epoch: str
    services: int
    tasks: int
    nodes: int


class StatusView(msgspec.Struct, frozen=True, kw_only=True):
    """The cluster at a glance; without a quorum, what the manager that answers knew ``age_s`` seconds ago.

    ``command_version`` is the one that all managers know and may propose; a newer one is enabled when all know it.
    """

    cluster: str
    cluster_id: str
    leader: str | None
    epoch: str
    revision: Revision
    quorum: bool
    age_s: float | None
    answered_by: str
    managers: tuple[ManagerView, ...]
    nodes: dict[str, int]
    tasks: dict[str, int]
    command_version: int = 1
    certificates: CertificatesView = CertificatesView()


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


class NodeChange(msgspec.Struct, frozen=True):
    """What PATCH takes; what is left out stays as it is."""

    availability: Availability | None = None
    labels: Labels | None = None
    zone: Annotated[str, msgspec.Meta(max_length=63)] | None = None
    address: Address | None = None


class ScaleBody(msgspec.Struct, frozen=True):
    """How many tasks each service should have: all or none."""

    services: Annotated[
        dict[str, Annotated[int, msgspec.Meta(ge=0, le=MAX_REPLICAS)]],
        msgspec.Meta(min_length=1, examples=[{"web": 5}]),
    ]


class Health(msgspec.Struct, frozen=True):
    """The process lives."""

    status: Literal["alive"] = "alive"


class Readiness(msgspec.Struct, frozen=True):
    """The manager serves and has caught up."""

    status: Literal["ready"] = "ready"


class ProblemField(msgspec.Struct, frozen=True):
    """One thing that is wrong: where (a path such as ``ports[0].host``) and what would be right."""

    path: str
    message: str


class Problem(msgspec.Struct, frozen=True):
    """An error (RFC 9457); ``type`` ends in the kind of it, ``detail`` is a sentence for people."""

    type: Annotated[str, msgspec.Meta(examples=["urn:okube:error:not-found"])]
    title: str
    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    detail: str
    errors: tuple[ProblemField, ...] = ()


class NodeUsageView(msgspec.Struct, frozen=True):
    """What a machine uses of what it has, by whatever runs on it."""

    name: str
    cpus: float
    memory: int
    disk: int
    cores: float
    memory_total: int
    disk_total: int


class TaskUsageView(msgspec.Struct, frozen=True):
    """What a running task uses: cores, as an average over the last interval, and bytes of memory."""

    id: str
    name: str
    service: str
    node: str
    cpus: float
    memory: int
    memory_limit: int | None = None


class UsageView(msgspec.Struct, frozen=True):
    """What is used now; ``silent`` are the nodes whose agents did not answer in time."""

    nodes: list[NodeUsageView]
    tasks: list[TaskUsageView]
    silent: list[str]
