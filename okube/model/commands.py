"""What the replicated log holds: batches of tagged, versioned commands.

The proposer stamps epoch, time and ids into them, so that applying needs no clock and no chance. A tag ends in the
version of its format. A new field goes to the end with a default. What an earlier Okube did not know is named in
``versions.py``, and proposed only once every manager knows it.
"""

import hashlib
from typing import Annotated, get_args

import msgspec

from okube.model.authority import Authorities
from okube.model.epoch import Epoch
from okube.model.errors import UNREADABLE
from okube.model.node import Availability, NodeState
from okube.model.sealed import Ring, Sealed
from okube.model.secret import SecretKind
from okube.model.spec import ServiceSpec
from okube.model.task import Reason, TaskState
from okube.model.user import UserRole

MAX_MESSAGE = 1000
TimeMs = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]  # up to the year 9999

__all__ = [
    "MAX_MESSAGE",
    "Applied",
    "Batch",
    "Command",
    "CreateJoinToken",
    "CreateTasks",
    "DeleteSecret",
    "DeleteServices",
    "EnableVersion",
    "EndTasks",
    "ForgetTasks",
    "Item",
    "PlaceTasks",
    "PutAuthorities",
    "PutRing",
    "PutSecret",
    "PutServices",
    "PutUser",
    "RefreshServices",
    "Refused",
    "RegisterNode",
    "ReleaseNodes",
    "RemoveNode",
    "RemoveUser",
    "RenewMounts",
    "ReportTasks",
    "Reseal",
    "ResetRing",
    "Result",
    "RevokeJoinToken",
    "ScaleServices",
    "SeedCluster",
    "SetNodeConditions",
    "SetNodeState",
    "StopTask",
    "StopTasks",
    "TaskReport",
    "TellOfCertificates",
    "TellOfManager",
    "UpdateNode",
    "UseJoinToken",
    "WithdrawTasks",
    "decode_batch",
    "decode_command",
    "encode_batch",
    "encode_command",
    "fingerprint",
    "kind_of",
    "known_kinds",
]


class SeedCluster(msgspec.Struct, frozen=True, array_like=True, tag="seed-cluster/1"):
    """What cluster.yaml says, once; a second seed changes nothing, but says who leads from here on."""

    cluster: str
    cluster_id: str
    admin_token_sha256: str
    node_down_after_ms: int
    heartbeat_ms: int
    leader: str = ""


class PutServices(msgspec.Struct, frozen=True, array_like=True, tag="put-services/1"):
    """Make services, or change them: all or none.

    ``ids`` are for those that are new. ``create`` refuses a name that is there, ``replace`` one that is not,
    ``upsert`` takes both. ``if_match`` is the revision that the (one) service must have. ``prune`` forgets, in the same
    step, the other services of the apps that the specs name. ``within``, here and below: whoever asks has these apps
    alone, and nothing else may be touched; empty: all.
    """

    specs: tuple[ServiceSpec, ...]
    ids: tuple[str, ...]
    how: str  # create | replace | upsert
    created_by: str = ""
    if_match: int | None = None
    prune: bool = False
    within: tuple[str, ...] = ()


class DeleteServices(msgspec.Struct, frozen=True, array_like=True, tag="delete-services/1"):
    """Forget services; their tasks are stopped and forgotten when they have ended. ``app``: all of that app instead."""

    names: tuple[str, ...]
    if_match: int | None = None
    by: str = ""
    app: str = ""
    within: tuple[str, ...] = ()


class ScaleServices(msgspec.Struct, frozen=True, array_like=True, tag="scale-services/1"):
    """Set how many tasks services should have: all or none."""

    names: tuple[str, ...]
    replicas: tuple[int, ...]
    if_match: int | None = None
    by: str = ""
    within: tuple[str, ...] = ()


class RefreshServices(msgspec.Struct, frozen=True, array_like=True, tag="refresh-services/1"):
    """``stop``, ``start``, ``restart`` (a new version of the same spec) or ``rollback`` (the spec before).

    With ``app`` it is for those services of the app to which it applies, instead of those that are named.
    """

    names: tuple[str, ...]
    how: str  # stop | start | restart | rollback
    if_match: int | None = None
    by: str = ""
    app: str = ""
    within: tuple[str, ...] = ()


class RegisterNode(msgspec.Struct, frozen=True, array_like=True, tag="register-node/1"):
    """An agent says what its machine is; labels and zone count only when the node is new."""

    name: str
    instance: str
    address: str
    labels: dict[str, str]
    zone: str
    cores: float
    memory: int
    disk: int
    runtime: str
    software: str
    role: str = "worker"
    machine_id: str = ""
    knows: int = 0


class UpdateNode(msgspec.Struct, frozen=True, array_like=True, tag="update-node/1"):
    """Change what people decide about a node; None leaves a thing as it is."""

    name: str
    availability: Availability | None = None
    labels: dict[str, str] | None = None
    zone: str | None = None
    if_match: int | None = None
    by: str = ""
    address: str | None = None


class SetNodeState(msgspec.Struct, frozen=True, array_like=True, tag="set-node-state/1"):
    """What the leader has found about nodes: ready or down. ``instances`` guard against a node made anew."""

    names: tuple[str, ...]
    instances: tuple[str, ...]
    state: NodeState


class SetNodeConditions(msgspec.Struct, frozen=True, array_like=True, tag="set-node-conditions/1"):
    """What is wrong with a machine now, as its agent says: kinds and sentences; what is not named any more is over."""

    name: str
    instance: str
    conditions: tuple[tuple[str, str], ...]


class ForgetTasks(msgspec.Struct, frozen=True, array_like=True, tag="forget-tasks/1"):
    """Ended tasks of services that are gone are forgotten: what is left where a service with many was removed."""

    ids: tuple[str, ...]


class ReleaseNodes(msgspec.Struct, frozen=True, array_like=True, tag="release-nodes/1"):
    """Nodes that came and went too often get new tasks again, where the time for that has come."""

    names: tuple[str, ...]


class RemoveNode(msgspec.Struct, frozen=True, array_like=True, tag="remove-node/1"):
    """Forget a node; what it still held is failed (node-lost). A node that is ready is not forgotten.

    With ``bar`` it is, and its instance is never let in again: its machine is not trusted any more.
    """

    name: str
    if_match: int | None = None
    by: str = ""
    bar: bool = False


class CreateTasks(msgspec.Struct, frozen=True, array_like=True, tag="create-tasks/1"):
    """New pending tasks of one version of one service; columns of equal length.

    A slot that already has a task that should run takes no second one (unless that one is named in ``replaces``), so
    the command may be repeated; nor does one whose task still stops.
    """

    service_id: str
    version: int
    ids: tuple[str, ...]
    slots: tuple[int, ...]
    attempts: tuple[int, ...]
    not_before_ms: tuple[int, ...]
    replaces: tuple[str | None, ...]
    pinned: tuple[str | None, ...]


class PlaceTasks(msgspec.Struct, frozen=True, array_like=True, tag="place-tasks/1"):
    """Pending tasks get their nodes and host ports; one whose node takes no tasks any more stays pending.

    A task with ``replaces`` fails that one (node-lost) in the same step. ``reasons`` are sentences on why tasks are
    where they are, each once; ``reason_of`` has the index of its sentence for each task.
    """

    ids: tuple[str, ...]
    nodes: tuple[str, ...]
    host_ports: tuple[tuple[int, ...], ...]
    reasons: tuple[str, ...] = ()
    reason_of: tuple[int, ...] = ()

    def reason(self, number: int) -> str:
        """Why the task at this place is where it is; empty where it is not said."""
        if not 0 <= number < len(self.reason_of) or not 0 <= self.reason_of[number] < len(self.reasons):
            return ""
        return self.reasons[self.reason_of[number]]


class WithdrawTasks(msgspec.Struct, frozen=True, array_like=True, tag="withdraw-tasks/1"):
    """Pending tasks that fit nowhere, each with the sentence that explains it."""

    ids: tuple[str, ...]
    messages: tuple[str, ...]


class StopTasks(msgspec.Struct, frozen=True, array_like=True, tag="stop-tasks/1"):
    """Tasks should stop, and why; one that was never placed ends at once."""

    ids: tuple[str, ...]
    reason: Reason


class StopTask(msgspec.Struct, frozen=True, array_like=True, tag="stop-task/1"):
    """One task should stop, by id, unique prefix or SERVICE.SLOT; looked up when it is applied, so a repeat is safe."""

    text: str
    if_match: int | None = None
    by: str = ""
    within: tuple[str, ...] = ()


class TaskReport(msgspec.Struct, frozen=True, array_like=True):
    """What an agent says about one task."""

    id: Annotated[str, msgspec.Meta(max_length=64)]
    state: TaskState  # scheduled (with a message on what it waits for) | running | completed | failed
    ready: bool = False
    reason: Reason | None = None
    message: Annotated[str, msgspec.Meta(max_length=MAX_MESSAGE)] = ""
    exit_code: Annotated[int, msgspec.Meta(ge=-(1 << 31), lt=1 << 32)] | None = None
    restarts: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)] = 0
    container_id: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    started_ms: TimeMs | None = None
    ended_ms: TimeMs | None = None


class ReportTasks(msgspec.Struct, frozen=True, array_like=True, tag="report-tasks/1"):
    """What an agent says about its tasks; those that are not its own, or ended, are passed over."""

    node: str
    instance: str
    reports: tuple[TaskReport, ...]


class EndTasks(msgspec.Struct, frozen=True, array_like=True, tag="end-tasks/1"):
    """Tasks of nodes that will not report any more end as said (node-lost, or stopped with their service)."""

    ids: tuple[str, ...]
    state: TaskState
    reason: Reason
    message: str = ""


class EnableVersion(msgspec.Struct, frozen=True, array_like=True, tag="enable-version/1"):
    """From here on commands up to this version may be proposed: all managers have said that they know it."""

    version: Annotated[int, msgspec.Meta(ge=1)]


class TellOfManager(msgspec.Struct, frozen=True, array_like=True, tag="tell-of-manager/1"):
    """A manager was added, removed or readdressed, for the cluster's story; that it was is in the log's own membership.

    ``what``: ``added``, ``removed`` or ``readdressed``; ``address`` is that of its API, and ``before`` was.
    """

    name: str
    what: str
    address: str
    by: str = ""
    before: str = ""


class PutRing(msgspec.Struct, frozen=True, array_like=True, tag="put-ring/1"):
    """The key ring from here on, in the place of the one with the revision ``before`` (0: there was none)."""

    ring: Ring
    before: int = 0
    by: str = ""


class PutAuthorities(msgspec.Struct, frozen=True, array_like=True, tag="put-authorities/1"):
    """The cluster's CAs from here on, in the place of the row with the revision ``before`` (0: there was none).

    ``what`` is for the story: ``kept`` (the first), ``began``, ``signs``, ``finished`` or ``given-up``.
    """

    authorities: Authorities
    what: str
    before: int = 0
    by: str = ""


class TellOfCertificates(msgspec.Struct, frozen=True, array_like=True, tag="tell-of-certificates/1"):
    """Certificates that end soon and were not renewed, for the cluster's story; columns of equal length.

    ``kinds`` are ``manager``, ``node`` or ``cluster`` (the CA); ``ends_ms`` milliseconds since 1970, UTC.
    """

    kinds: tuple[str, ...]
    names: tuple[str, ...]
    ends_ms: tuple[TimeMs, ...]


class PutUser(msgspec.Struct, frozen=True, array_like=True, tag="put-user/1"):
    """A user: ``create``, ``change`` (role and apps; None leaves a thing as it is) or ``rotate`` (other credentials).

    ``instance`` is what the credentials made with ``create`` and ``rotate`` are known by; of the token there is the
    hash alone.
    """

    name: str
    how: str  # create | change | rotate
    instance: str = ""
    role: UserRole | None = None
    apps: tuple[str, ...] | None = None
    token_sha256: str = ""
    expires_ms: int | None = None
    if_match: int | None = None
    by: str = ""


class RemoveUser(msgspec.Struct, frozen=True, array_like=True, tag="remove-user/1"):
    """Forget a user; what they show is not believed any more."""

    name: str
    if_match: int | None = None
    by: str = ""


class ResetRing(msgspec.Struct, frozen=True, array_like=True, tag="reset-ring/1"):
    """Give up the key ring with the revision ``before``, and all that is sealed: its unlock key is lost."""

    before: int
    by: str = ""


class PutSecret(msgspec.Struct, frozen=True, array_like=True, tag="put-secret/1"):
    """Make a secret or config, or give one a new value; the value is sealed, as ``value_id`` says.

    ``how``: ``create`` refuses a name that is there, ``rotate`` one that is not. ``size`` is that of the open value.
    """

    secret_kind: SecretKind
    name: str
    value_id: str
    sealed: Sealed
    size: Annotated[int, msgspec.Meta(ge=0)]
    how: str  # create | rotate
    app: str = ""
    labels: dict[str, str] = {}
    if_match: int | None = None
    by: str = ""
    within: tuple[str, ...] = ()  # the apps that the caller has; empty: all


class DeleteSecret(msgspec.Struct, frozen=True, array_like=True, tag="delete-secret/1"):
    """Forget a secret or config, with all its values."""

    secret_kind: SecretKind
    name: str
    if_match: int | None = None
    by: str = ""
    within: tuple[str, ...] = ()


class RenewMounts(msgspec.Struct, frozen=True, array_like=True, tag="renew-mounts/1"):
    """Tasks that are told of rotated secrets and configs by a signal get their newest versions."""

    ids: tuple[str, ...]


class Reseal(msgspec.Struct, frozen=True, array_like=True, tag="reseal/1"):
    """The same values under the newest data key; columns of equal length.

    Each place (see ``okube.state.sealing``) must still hold what the key ``before`` has sealed, else it stays.
    """

    places: tuple[str, ...]
    before: tuple[str, ...]
    sealed: tuple[Sealed, ...]


class CreateJoinToken(msgspec.Struct, frozen=True, array_like=True, tag="create-join-token/1"):
    """Make a token with which machines join; ``uses`` 0: as many as like. Only the hash of its secret is kept."""

    id: str
    role: str  # worker | manager
    secret_sha256: str
    ttl_ms: int
    uses: int = 0
    by: str = ""


class RevokeJoinToken(msgspec.Struct, frozen=True, array_like=True, tag="revoke-join-token/1"):
    """A token lets nobody in from here on, and is forgotten."""

    id: str
    by: str = ""


class UseJoinToken(msgspec.Struct, frozen=True, array_like=True, tag="use-join-token/1"):
    """A machine joins with a token, whose secret it has shown; the same instance again counts once.

    A worker's node is there from now on, down until its agent is heard; so its name and its machine are taken.
    ``beside`` says that another node may have the same machine.
    """

    id: str
    name: str
    instance: str
    address: str
    labels: dict[str, str] = {}
    zone: str = ""
    machine_id: str = ""
    beside: bool = False


Command = (
    SeedCluster
    | PutServices
    | DeleteServices
    | ScaleServices
    | RefreshServices
    | RegisterNode
    | UpdateNode
    | SetNodeState
    | ReleaseNodes
    | SetNodeConditions
    | ForgetTasks
    | RemoveNode
    | CreateTasks
    | PlaceTasks
    | WithdrawTasks
    | StopTask
    | StopTasks
    | ReportTasks
    | EndTasks
    | EnableVersion
    | TellOfManager
    | PutRing
    | PutAuthorities
    | TellOfCertificates
    | PutUser
    | RemoveUser
    | PutSecret
    | DeleteSecret
    | Reseal
    | ResetRing
    | RenewMounts
    | CreateJoinToken
    | RevokeJoinToken
    | UseJoinToken
)


class Applied(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The command was carried out; ``revision`` is the last it made, ``body`` its answer as JSON."""

    revision: int
    body: bytes = b"null"


class Refused(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The command changed nothing; ``kind`` is that of the error in ``errors.py``."""

    kind: str
    detail: str
    errors: tuple[tuple[str, str], ...] = ()


Result = Applied | Refused


class Item(msgspec.Struct, frozen=True, array_like=True):
    """One command of a batch, with the request id of its client (empty: none) and the request's fingerprint.

    ``version`` is the command version that whoever applies it must know.
    """

    command: bytes
    request_id: str = ""
    fingerprint: bytes = b""
    version: int = 1


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """One entry of the log: who proposed it, when, and its commands, applied in order."""

    version: int
    epoch: Epoch
    time_ms: int
    items: tuple[Item, ...]


_encoder = msgspec.msgpack.Encoder()
_commands = msgspec.msgpack.Decoder(Command)
_batches = msgspec.msgpack.Decoder(Batch)


def encode_command(command: Command) -> bytes:
    """The command as it stands in the log."""
    return _encoder.encode(command)


def decode_command(data: bytes) -> Command:
    """A command from the log; raises msgspec.MsgspecError for one that this version does not know."""
    command: Command = _commands.decode(data)
    return command


def kind_of(data: bytes) -> str | None:
    """The tag of an encoded command, known or not; None for what is no command at all."""
    try:
        parts = msgspec.msgpack.decode(data)
    except UNREADABLE:
        return None
    return parts[0] if isinstance(parts, list) and parts and isinstance(parts[0], str) else None


def known_kinds() -> frozenset[str]:
    """The tags of all commands of this Okube."""
    return frozenset(str(kind.__struct_config__.tag) for kind in get_args(Command))


def encode_batch(batch: Batch) -> bytes:
    """The batch as it stands in the log."""
    return _encoder.encode(batch)


def decode_batch(data: bytes) -> Batch:
    """A batch from the log; raises msgspec.MsgspecError."""
    return _batches.decode(data)


def fingerprint(*parts: bytes) -> bytes:
    """What makes a request the same request: 16 bytes of SHA-256 over its parts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()[:16]
