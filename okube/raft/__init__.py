"""The replicated log: pysyncobj's core and what must stand around it (journal, links, snapshots, elections, reads)."""

from okube.raft.config import RaftConfig
from okube.raft.core import Role
from okube.raft.errors import (
    ApplyFailed,
    JournalDamaged,
    LeaderStays,
    NoQuorum,
    NotBootstrapped,
    NotLeader,
    OutcomeUnknown,
    ProposalTooLarge,
    Removed,
    Sidelined,
)
from okube.raft.machine import StateMachine
from okube.raft.members import Known, Member, Membership
from okube.raft.node import RaftNode
from okube.raft.proposer import Proposer
from okube.raft.standing import PeerStatus

__all__ = [
    "ApplyFailed",
    "JournalDamaged",
    "Known",
    "LeaderStays",
    "Member",
    "Membership",
    "NoQuorum",
    "NotBootstrapped",
    "NotLeader",
    "OutcomeUnknown",
    "PeerStatus",
    "ProposalTooLarge",
    "Proposer",
    "RaftConfig",
    "RaftNode",
    "Removed",
    "Role",
    "Sidelined",
    "StateMachine",
]
