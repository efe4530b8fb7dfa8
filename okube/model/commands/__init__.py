"""What the replicated log holds: batches of tagged, versioned commands.

The proposer stamps epoch, time and ids into them, so that applying needs no clock and no chance. A tag ends in the
version of its format. A new field goes to the end with a default. What an earlier Okube did not know is named in
``versions.py``, and proposed only once every manager knows it.
"""

from okube.model.commands.access import CreateJoinToken, PutUser, RemoveUser, RevokeJoinToken, UseJoinToken
from okube.model.commands.batch import Applied, Batch, Item, Refused, Result, decode_batch, encode_batch, fingerprint
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
from okube.model.commands.kinds import Command, decode_command, encode_command, kind_of, known_kinds
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
    MAX_MESSAGE,
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
    TaskReport,
    WithdrawTasks,
)

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
    "MoveTasks",
    "NoteManagers",
    "PlaceTasks",
    "PreemptTasks",
    "PutAuthorities",
    "PutQuota",
    "PutRing",
    "PutScheduling",
    "PutSecret",
    "PutServices",
    "PutTopology",
    "PutUser",
    "RefreshServices",
    "Refused",
    "RegisterNode",
    "ReleaseNodes",
    "RemoveNode",
    "RemoveQuota",
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
