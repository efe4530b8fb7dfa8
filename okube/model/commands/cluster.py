"""Commands for the whole cluster: how it begins, what all managers know, and its managers, CAs and certificates."""

from typing import Annotated

import msgspec

from okube.model.authority import Authorities
from okube.model.commands.tasks import TimeMs
from okube.model.scheduling import Scheduling
from okube.model.topology import DeclaredTopology

__all__ = [
    "EnableVersion",
    "NoteManagers",
    "PutAuthorities",
    "PutScheduling",
    "PutTopology",
    "SeedCluster",
    "TellOfCertificates",
    "TellOfManager",
]


class SeedCluster(msgspec.Struct, frozen=True, array_like=True, tag="seed-cluster/1"):
    """What cluster.yaml says, once; a second seed changes nothing, but says who leads from here on."""

    cluster: str
    cluster_id: str
    admin_token_sha256: str
    node_down_after_ms: int
    heartbeat_ms: int
    leader: str = ""


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


class NoteManagers(msgspec.Struct, frozen=True, array_like=True, tag="note-managers/1"):
    """The instances of all managers, as the log's membership has them: one that was noted before has left for good."""

    instances: tuple[str, ...]


class PutScheduling(msgspec.Struct, frozen=True, array_like=True, tag="put-scheduling/1"):
    """How nodes are chosen from here on. A ``seed`` is what cluster.yaml says: it counts where nothing was said yet."""

    scheduling: Scheduling
    seed: bool = False
    by: str = ""


class PutTopology(msgspec.Struct, frozen=True, array_like=True, tag="put-topology/1"):
    """What is declared of the network from here on. A ``seed`` counts where nothing was said yet."""

    topology: DeclaredTopology
    seed: bool = False
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
