"""What managers and agents say to each other (msgpack bodies over HTTPS with mutual TLS).

Agent to any manager:   ``POST /v1/agents/{node}/register`` Registration → RegistrationAnswer
                        ``POST /v1/agents/{node}/heartbeat`` Heartbeat → HeartbeatAnswer
                        ``GET /v1/agents/{node}/secrets/{name}/{version}`` (and ``configs``) the value's bytes
                        ``POST /v1/agents/{node}/certificate`` CertificateQuestion → CertificateAnswer
Leader to agent:        ``PUT /v1/assignment`` Assignment → AssignmentAnswer (409 with one for an older epoch)
Manager to agent:       ``GET /v1/tasks/{id}/logs?follow=&tail=&since=`` lines of JSON (LogLine), ``GET /healthz``,
                        ``GET /v1/tasks/{id}/exec`` (WebSocket, see ``okube.model.exec``), ``GET /v1/usage`` NodeUsage
Either to any manager:  ``POST /v1/renew`` ExpiredQuestion → CertificateAnswer, when its certificate has ended
Manager to the leader:  ``POST /v1/peers/certificate`` CertificateQuestion → CertificateAnswer
                        ``POST /v1/peers/heartbeats`` BeatsQuestion → BeatsAnswer
Leader to any manager:  ``POST /v1/peers/reach`` ReachQuestion → ReachAnswer
                        ``POST /v1/peers/relay`` RelayQuestion → AssignmentAnswer
"""

from typing import Annotated, Literal

import msgspec

from okube.model.commands import TaskReport
from okube.model.epoch import Epoch
from okube.model.network import Coordinate
from okube.model.quantities import MAX_BYTES, MAX_CPUS
from okube.model.spec import ServiceSpec
from okube.model.task import Reason

Text = Annotated[str, msgspec.Meta(max_length=512)]
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_BYTES)]
Cores = Annotated[float, msgspec.Meta(ge=0, le=MAX_CPUS)]

__all__ = [
    "MANAGERS_HEADER",
    "PROBLEM_HEADER",
    "AssignedTask",
    "Assignment",
    "AssignmentAnswer",
    "BeatsAnswer",
    "BeatsQuestion",
    "CertificateAnswer",
    "CertificateQuestion",
    "ExpiredQuestion",
    "Heartbeat",
    "HeartbeatAnswer",
    "LogLine",
    "NetworkReport",
    "NodeCondition",
    "NodeUsage",
    "Papers",
    "ProbePeer",
    "Probing",
    "ReachAnswer",
    "ReachQuestion",
    "Registration",
    "RegistrationAnswer",
    "RelayQuestion",
    "RoundTrip",
    "TaskUsage",
    "Usage",
]

MANAGERS_HEADER = "Okube-Managers"
"""In a manager's question whether an agent lives: where the managers are (``host:port``, with commas). One that looks
for them in vain, because all of them moved, hears it there."""

PROBLEM_HEADER = "Okube-Problem"
"""On an agent's refusal: kind and sentence, percent-encoded. Of a refused upgrade the body cannot be read."""


class CertificateQuestion(msgspec.Struct, frozen=True, array_like=True):
    """An agent or a manager asks for a certificate; who it is says the one that it has."""

    request: Annotated[bytes, msgspec.Meta(max_length=8192)]  # PKCS #10, as PEM


class CertificateAnswer(msgspec.Struct, frozen=True, array_like=True):
    """The certificate, and the certificates of the CA that all parties trust, as PEM."""

    certificate: bytes
    trusted: bytes


class ExpiredQuestion(msgspec.Struct, frozen=True, array_like=True):
    """An agent or a manager whose certificate has ended asks for the next one, over a connection without one.

    ``signature`` is over the request, with the key of the certificate that has ended (PEM).
    """

    certificate: Annotated[bytes, msgspec.Meta(max_length=8192)]
    request: Annotated[bytes, msgspec.Meta(max_length=8192)]
    signature: Annotated[bytes, msgspec.Meta(max_length=256)]


class AssignedTask(msgspec.Struct, frozen=True, array_like=True):
    """One task as its node needs it."""

    id: str
    service: str
    slot: int
    spec: ServiceSpec
    app: str | None = None
    host_ports: tuple[int, ...] = ()
    desired: Literal["run", "stop"] = "run"
    stop_reason: Reason | None = None
    mounted: tuple[int, ...] = ()  # versions of the spec's secrets and configs


class Assignment(msgspec.Struct, frozen=True, array_like=True):
    """What a node should hold now.

    With ``base`` None it is whole: whatever is not in it goes. Else it is what changed since revision ``base`` of the
    same epoch: ``tasks`` are new or changed, ``dropped`` are gone. ``ended`` are tasks that have ended and whose
    containers and logs are still wanted (whole in either form).
    """

    node: str
    instance: str
    epoch: Epoch
    revision: int
    base: int | None
    tasks: tuple[AssignedTask, ...]
    dropped: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


class AssignmentAnswer(msgspec.Struct, frozen=True, array_like=True):
    """What the agent has stored: equal to what was sent, or higher if the sender is stale; a gap asks for the whole."""

    epoch: Epoch
    revision: int
    accepted: bool
    message: str = ""


class Usage(msgspec.Struct, frozen=True, array_like=True):
    """What the machine uses now: cores, bytes."""

    cpus: float = 0.0
    memory: int = 0
    disk: int = 0


class TaskUsage(msgspec.Struct, frozen=True):
    """What one task uses: cores, as an average over the last interval, and bytes of memory."""

    id: str
    cpus: float
    memory: int


class NodeUsage(msgspec.Struct, frozen=True):
    """What a machine uses and has, and what its tasks use of it (JSON)."""

    cpus: float
    memory: int
    disk: int
    cores: float
    memory_total: int
    disk_total: int
    tasks: list[TaskUsage] = []


class Registration(msgspec.Struct, frozen=True, array_like=True):
    """Who an agent is and what its machine has; ``run`` is new each time the agent starts."""

    node: Text
    instance: Text
    address: Text
    labels: dict[Text, Text]
    zone: Text
    cores: Cores
    memory: Count
    disk: Count
    runtime: Text
    software: Text
    run: Text = ""
    machine_id: Text = ""
    knows: Count = 0  # the command version of its Okube, which says what it can do with a task
    region: Text = ""
    rack: Text = ""
    named: dict[Text, Count] = {}  # how many it offers of each named resource
    platform: Text = ""  # ``linux/amd64``


class RegistrationAnswer(msgspec.Struct, frozen=True, array_like=True):
    """Whether the node may take part; if not, why and what to do."""

    accepted: bool
    epoch: Epoch
    message: str = ""
    heartbeat_ms: int = 1000
    managers: tuple[str, ...] = ()  # API URLs
    address: str = ""  # where the node is reached from now on, where that was set; else as its agent said


class NodeCondition(msgspec.Struct, frozen=True, array_like=True):
    """Something wrong with the machine: a word (see ``okube.model.node``) and a sentence."""

    kind: Text
    message: Text


class Papers(msgspec.Struct, frozen=True, array_like=True):
    """What a party shows: its mark (see ``okube.model.authority``), and from when to when its certificate is good."""

    mark: Text
    begins_ms: Count
    ends_ms: Count


class RoundTrip(msgspec.Struct, frozen=True, array_like=True):
    """What an agent measured to another node, in seconds."""

    peer: Text
    rtt_s: float


class NetworkReport(msgspec.Struct, frozen=True, array_like=True):
    """What an agent knows of the network: where its node is in it, and what it measured since it was heard last.

    ``link_bps`` is the speed of its machine's link in bit/s (-1: unknown); the others what goes out and comes in now.
    """

    coordinate: Coordinate | None = None
    round_trips: tuple[RoundTrip, ...] = ()
    link_bps: int = -1
    sent_bps: int = -1
    received_bps: int = -1


class ProbePeer(msgspec.Struct, frozen=True, array_like=True):
    """A node to measure the round trip to: where its agent listens, and where the node says that it is."""

    node: str
    address: str
    coordinate: Coordinate


class Probing(msgspec.Struct, frozen=True, array_like=True):
    """Measure these within so many seconds; ``own`` is where the node itself was, for an agent that has forgotten."""

    peers: tuple[ProbePeer, ...]
    within_s: float
    own: Coordinate | None = None


class Heartbeat(msgspec.Struct, frozen=True, array_like=True):
    """A sign of life with what changed since the last answered one (empty: nothing).

    ``epoch`` and ``revision`` are of the assignment that the agent holds. ``sequence`` grows with each heartbeat of one
    ``run`` of the agent: a copy that was held up on its way must not undo what a later one said. ``absence_s``
    announces a stop in order: the node is not down before it ends (60 s at most).
    ``conditions`` are all that hold now; None where the agent has not looked yet.
    """

    node: str
    instance: str
    epoch: Epoch
    revision: int
    reports: tuple[TaskReport, ...] = ()
    usage: Usage = Usage()
    absence_s: float = 0.0
    run: Text = ""
    sequence: Count = 0
    conditions: tuple[NodeCondition, ...] | None = None
    papers: Papers | None = None
    network: NetworkReport | None = None


class HeartbeatAnswer(msgspec.Struct, frozen=True, array_like=True):
    """The highest epoch whose leader has committed an entry; with it the reports are committed too."""

    epoch: Epoch
    known: bool = True  # False: register (again)
    heartbeat_ms: int = 1000
    managers: tuple[str, ...] = ()
    mark: str = ""  # that of who believes the CAs of now, and has a certificate of the one that signs; empty: any
    address: str = ""  # as in RegistrationAnswer
    left_managers: tuple[str, ...] = ()  # instances of managers that are none any more
    probing: Probing | None = None  # what to measure next


class BeatsQuestion(msgspec.Struct, frozen=True, array_like=True):
    """Heartbeats that a follower gathered, in columns; ``instances`` are those that the agents' certificates name.

    A heartbeat is what the agent sent, byte for byte: a follower of an earlier version loses nothing of it.
    """

    instances: tuple[Text, ...]
    beats: tuple[Heartbeat, ...]


class BeatsAnswer(msgspec.Struct, frozen=True, array_like=True):
    """The answer to each; None for one that has to come by itself, as a request, to be answered."""

    answers: tuple[HeartbeatAnswer | None, ...]


class ReachQuestion(msgspec.Struct, frozen=True, array_like=True):
    """Which of these nodes answer when you call them? ``instances`` tell a node from its successor of the same name."""

    nodes: tuple[Text, ...]
    instances: tuple[Text, ...]


class ReachAnswer(msgspec.Struct, frozen=True, array_like=True):
    """What calls to nodes showed, in columns; a node that the manager does not know (yet) is left out."""

    nodes: tuple[str, ...]
    reached: tuple[bool, ...]


class RelayQuestion(msgspec.Struct, frozen=True, array_like=True):
    """Pass this assignment on to its node, which the leader does not reach; the agent's answer comes back."""

    address: Text
    assignment: Assignment


class LogLine(msgspec.Struct, frozen=True):
    """One line of a container's output; the time is the agent's, milliseconds since 1970, UTC."""

    time_ms: int
    stream: Literal["stdout", "stderr"]
    text: str
