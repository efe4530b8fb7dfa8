"""All kinds of commands, and how one stands in the log."""

from typing import get_args

import msgspec

from okube.model.commands.access import CreateJoinToken, PutUser, RemoveUser, RevokeJoinToken, UseJoinToken
from okube.model.commands.cluster import (
    EnableVersion,
    NoteManagers,
    PutAuthorities,
    PutScheduling,
    PutTopology,
    SeedCluster,
    TellOfCertificates,
    TellOfManager,
)
from okube.model.commands.nodes import (
    RegisterNode,
    ReleaseNodes,
    RemoveNode,
    SetNodeConditions,
    SetNodeState,
    UpdateNode,
)
from okube.model.commands.quotas import PutQuota, RemoveQuota
from okube.model.commands.secrets import DeleteSecret, PutRing, PutSecret, Reseal, ResetRing
from okube.model.commands.services import DeleteServices, PutServices, RefreshServices, ScaleServices
from okube.model.commands.tasks import (
    CreateTasks,
    EndTasks,
    ForgetTasks,
    MoveTasks,
    PlaceTasks,
    PreemptTasks,
    RenewMounts,
    ReportTasks,
    StopTask,
    StopTasks,
    WithdrawTasks,
)
from okube.model.errors import UNREADABLE

__all__ = ["Command", "decode_command", "encode_command", "kind_of", "known_kinds"]

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
    | NoteManagers
    | PutScheduling
    | PutTopology
    | PreemptTasks
    | MoveTasks
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
    | PutQuota
    | RemoveQuota
)
_encoder = msgspec.msgpack.Encoder()
_commands = msgspec.msgpack.Decoder(Command)


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
