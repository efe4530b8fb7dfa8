"""A machine with a join token is let in: its token is checked, its place is taken in the state, its key is certified.

All of it may be repeated by the same instance, at another leader too, and comes out the same: a lost answer costs no
use of the token.
"""

import logging
import secrets
from collections.abc import Callable, Iterable
from typing import Protocol

from okube.config.hosts import host_error, is_loopback
from okube.manager.core import ManagerCore
from okube.model.commands import UseJoinToken
from okube.model.errors import Conflict, FieldError, InvalidInput, Unauthorized
from okube.model.jointoken import JoinAnswer, JoinedManager, JoinRequest, KeptToken
from okube.raft import Known, Member
from okube.security import Identity, token_matches, token_sha256
from okube.state.jointokens import find

__all__ = ["SignsCertificates", "join"]

_log = logging.getLogger(__name__)
_CHANGE_TIMEOUT_S = 5.0
_NOWHERE = frozenset({"0.0.0.0", "::"})
_NOBODYS = token_sha256(secrets.token_urlsafe(32))


class SignsCertificates(Protocol):
    """What signs, as ``okube.manager.signing.Signer`` does."""

    def sign(self, csr_pem: bytes, identity: Identity, hosts: Iterable[str] = ()) -> bytes:
        """A certificate for the key of a request."""


async def join(
    core: ManagerCore, asked: JoinRequest, *, ca: str, signer: SignsCertificates, unlock_key: Callable[[], str]
) -> JoinAnswer:
    """Let a machine in; only the leader can.

    Args:
        core: this manager.
        asked: who wants to join, and as what.
        ca: the CA's certificates in PEM, which the machine trusts from then on.
        signer: signs its certificate.
        unlock_key: the key that a new manager needs for the cluster's secrets, as text; empty where it is asked for at
            each start.

    Raises:
        Unauthorized: its token is none of this cluster's, has ended, or is for another role.
        Conflict: its name, address or machine is taken, or a manager cannot join now.
        InvalidInput: what it says of itself cannot be.
    """
    _check_token(core, asked)
    _check_addresses(asked)
    _check_reach(core, asked)
    settings = core.settings
    identity = Identity(settings.cluster_id, asked.role, asked.name, asked.instance)
    host = _host(asked.address)
    certificate = signer.sign(asked.csr.encode(), identity, hosts=(host,))  # first: where it cannot be, nothing is done
    await core.submit(
        UseJoinToken(
            id=asked.token,
            name=asked.name,
            instance=asked.instance,
            address=asked.address,
            labels=asked.labels,
            zone=asked.zone,
            machine_id=asked.machine_id,
            beside=asked.beside,
        )
    )
    known = Known(core.raft.members_index, core.raft.members)
    if asked.role == "manager":
        known = await _let_in(core, asked)
    _log.info("%s %s (%s) at %s joins", asked.role, asked.name, asked.instance, asked.address)
    is_manager = asked.role == "manager"
    return JoinAnswer(
        cluster=core.tables.settings.cluster,
        cluster_id=settings.cluster_id,
        incarnation=core.epoch.incarnation,
        certificate=certificate.decode(),
        ca=ca,
        managers=tuple(_told(member) for member in known.members),
        index=known.index,
        heartbeat_s=core.tables.settings.heartbeat_ms / 1000,
        node_down_after_s=core.tables.settings.node_down_after_ms / 1000,
        election_s=settings.election_s,
        admin_token_sha256=core.tables.settings.admin_token_sha256 if is_manager else "",
        unlock_key=unlock_key() if is_manager else "",
    )


def _check_token(core: ManagerCore, asked: JoinRequest) -> None:
    """Who has no secret learns nothing of a token, not even that it is there."""
    token = find(core.tables, asked.token)
    if not token_matches(asked.secret, _NOBODYS if token is None else token.secret_sha256) or token is None:
        raise Unauthorized(
            f"the join token {asked.token} is none of cluster {core.tables.settings.cluster}, or was revoked: have one "
            "made with `okube token create`"
        )
    _check_role(token, asked)


def _check_role(token: KeptToken, asked: JoinRequest) -> None:
    if token.role != asked.role:
        raise Unauthorized(f"the join token {token.id} is for a {token.role}, and {asked.name} is to be a {asked.role}")


def _check_addresses(asked: JoinRequest) -> None:
    errors = []
    for path, address in (("address", asked.address), ("raft_address", asked.raft_address)):
        if address is None:
            continue
        host = _host(address)
        problem = "is where to listen, and others cannot reach it: name one of the machine's own" * (host in _NOWHERE)
        problem = problem or host_error(host) or ""
        if problem:
            errors.append(FieldError(path, problem))
    if asked.role == "manager" and asked.raft_address is None:
        errors.append(FieldError("raft_address", "where do other managers reach it? host:port"))
    if errors:
        raise InvalidInput.of(errors, what="join")


def _check_reach(core: ManagerCore, asked: JoinRequest) -> None:
    """A loopback address is for those who are on one machine, all of them."""
    managers = [_host(member.api_address) for member in core.raft.members]
    near = [host for host in managers if is_loopback(host)]
    if near and not is_loopback(_host(asked.address)):
        raise Conflict(
            f"a manager is at {near[0]}, where other machines do not reach it: tell the cluster its machine's address "
            "first, with `okube managers readdress`"
        )
    if asked.role == "manager" and is_loopback(_host(asked.address)) and len(near) < len(managers):
        raise Conflict(
            f"{asked.address} is reached from its own machine alone, and managers are on others: give the address of "
            "the machine with --host"
        )


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


async def _let_in(core: ManagerCore, asked: JoinRequest) -> Known:
    """Have it as a member of the managers, which learns first; it may be one already."""
    there = next((member for member in core.raft.members if member.name == asked.name), None)
    if there is not None and there.instance == asked.instance:
        return Known(core.raft.members_index, core.raft.members)
    member = Member(asked.name, asked.instance, asked.raft_address or "", asked.address)
    known = await core.raft.membership.add(member, timeout_s=_CHANGE_TIMEOUT_S)
    taken = next((member for member in known.members if member.name == asked.name), None)
    if taken is None or taken.instance != asked.instance:
        raise Conflict(
            f"{asked.name} is joining already, as another instance: remove that one with `okube managers remove "
            f"{asked.name}`, or take another name with --name"
        )
    return known


def _told(member: Member) -> JoinedManager:
    return JoinedManager(member.name, member.instance, member.api_address, member.raft_address, member.voter)
