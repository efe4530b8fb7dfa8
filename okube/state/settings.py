"""Commands about the whole cluster."""

import msgspec

from okube.model.commands import (
    EnableVersion,
    NoteManagers,
    PutScheduling,
    PutTopology,
    SeedCluster,
    TellOfManager,
)
from okube.model.errors import Conflict
from okube.state.tables import Tables

__all__ = ["enable", "note_managers", "put_scheduling", "put_topology", "seed", "tell_of_manager"]

_MOST_LEFT = 64
"""So many managers that left are remembered: agents are told of them with each heartbeat."""


def seed(tables: Tables, command: SeedCluster, now_ms: int) -> bytes:
    """Take what cluster.yaml says, once."""
    del now_ms
    if tables.settings.cluster_id:
        if tables.settings.cluster_id != command.cluster_id:
            raise Conflict(f"this is cluster {tables.settings.cluster_id}, not {command.cluster_id}")
        return b"null"
    tables.put_settings(
        msgspec.structs.replace(
            tables.settings,
            cluster=command.cluster,
            cluster_id=command.cluster_id,
            admin_token_sha256=command.admin_token_sha256,
            node_down_after_ms=command.node_down_after_ms,
            heartbeat_ms=command.heartbeat_ms,
        )
    )
    return b"null"


def tell_of_manager(tables: Tables, command: TellOfManager, now_ms: int) -> bytes:
    """Nothing changes but the story, which is told of each command."""
    del tables, command, now_ms
    return b"null"


def note_managers(tables: Tables, command: NoteManagers, now_ms: int) -> bytes:
    """Who was a manager and is none any more has left for good: an instance never comes back."""
    del now_ms
    settings = tables.settings
    gone = [instance for instance in settings.managers if instance not in command.instances]
    left = [instance for instance in (*settings.left_managers, *gone) if instance not in command.instances]
    tables.put_settings(
        msgspec.structs.replace(settings, managers=command.instances, left_managers=tuple(left[-_MOST_LEFT:]))
    )
    return b"null"


def put_scheduling(tables: Tables, command: PutScheduling, now_ms: int) -> bytes:
    """How nodes are chosen from here on."""
    del now_ms
    return _put(tables, "scheduling", command.scheduling, seed=command.seed)


def put_topology(tables: Tables, command: PutTopology, now_ms: int) -> bytes:
    """What is declared of the network from here on."""
    del now_ms
    return _put(tables, "topology", command.topology, seed=command.seed)


def _put(tables: Tables, name: str, value: object, *, seed: bool) -> bytes:
    """Set one of the settings; a seed, which is what cluster.yaml says, counts only where nothing was said before."""
    said = getattr(tables.settings, name)
    if said != value and not (seed and said is not msgspec.UNSET):
        tables.put_settings(msgspec.structs.replace(tables.settings, **{name: value}))
    return b"null"


def enable(tables: Tables, command: EnableVersion, now_ms: int) -> bytes:
    """Let commands up to a version be proposed from here on; it never goes back."""
    del now_ms
    if command.version > tables.settings.command_version:
        tables.put_settings(msgspec.structs.replace(tables.settings, command_version=command.version))
    return b"null"
