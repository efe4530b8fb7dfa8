"""The JSON shapes of the control plane: managers, their certificates and snapshots, and the cluster at a glance."""

from typing import Annotated, Literal

import msgspec

from okube.model.scheduling import Scheduling
from okube.model.views import Revision, Time

__all__ = ["CertificateEnd", "CertificatesView", "Health", "ManagerView", "OwnState", "Readiness", "StatusView"]

ManagerRole = Literal["leader", "follower", "candidate", "learner", "unknown"]


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
    ``scheduler`` is how nodes are chosen for tasks.
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
    scheduler: Scheduling = Scheduling()


class Health(msgspec.Struct, frozen=True):
    """The process lives."""

    status: Literal["alive"] = "alive"


class Readiness(msgspec.Struct, frozen=True):
    """The manager serves and has caught up."""

    status: Literal["ready"] = "ready"
