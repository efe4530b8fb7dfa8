"""Routes that change the managers themselves: who joins, who leaves, who is where, who leads.

These are no commands of the state: the log's own membership decides. So they take no Idempotency-Key; each can be
repeated for what it means.
"""

import logging

from aiohttp import web

from okube.manager.api.addresses import check_hosts
from okube.manager.api.bodies import answer, json_object
from okube.manager.api.context import CALLER, CONTEXT
from okube.manager.api.forward import leader_only
from okube.manager.core import ManagerCore
from okube.manager.membership import note_managers
from okube.model.commands import TellOfManager
from okube.model.decode import decode
from okube.model.errors import Conflict, NotFound, OkubeError
from okube.model.managers import ManagerAddresses, MembersView, MemberView, NewManager, NextLeader
from okube.model.names import is_dns_label
from okube.raft import Known, LeaderStays, Member, NoQuorum, NotLeader

__all__ = ["routes", "tell"]

_log = logging.getLogger(__name__)
routes = web.RouteTableDef()
_CHANGE_TIMEOUT_S = 5.0
_TELL_TIMEOUT_S = 1.0
_TRANSFER_ELECTIONS = 2


@routes.post("/v1/managers")
@leader_only
async def add_manager(request: web.Request) -> web.Response:
    """Let a manager join: it learns, and votes as soon as it has what the others have."""
    core = request.app[CONTEXT].core
    new = decode(NewManager, await json_object(request), what="manager")
    check_hosts({"address": new.address, "raft_address": new.raft_address}, what="manager")
    member = Member(new.name, core.new_id(), new.raft_address, new.address)
    before = core.raft.members_index
    known = await core.raft.membership.add(member, timeout_s=_CHANGE_TIMEOUT_S)
    if known.index > before:
        await tell(core, TellOfManager(new.name, "added", new.address, request[CALLER].name))
        await note_managers(core)
    return answer(request, _view(known), status=201)


@routes.patch("/v1/managers/{name}")
@leader_only
async def readdress_manager(request: web.Request) -> web.Response:
    """Have a manager reached elsewhere; it hears of it by the log, and listens there."""
    core = request.app[CONTEXT].core
    name = request.match_info["name"]
    wanted = decode(ManagerAddresses, await json_object(request), what=f"manager {name}")
    given = {"address": wanted.address, "raft_address": wanted.raft_address}
    check_hosts({path: address for path, address in given.items() if address is not None}, what="manager")
    member = next((member for member in core.raft.members if member.name == name), None)
    if member is None:
        raise NotFound(f"there is no manager {name!r}; `okube managers` lists them")
    address, raft_address = wanted.address or member.api_address, wanted.raft_address or member.raft_address
    before = core.raft.members_index
    known = await core.raft.membership.readdress(
        name, raft_address=raft_address, api_address=address, timeout_s=_CHANGE_TIMEOUT_S
    )
    if known.index > before:
        told = TellOfManager(name, "readdressed", address, request[CALLER].name, member.api_address)
        await tell(core, told)
    return answer(request, _view(known))


@routes.delete("/v1/managers/{name}")
@leader_only
async def remove_manager(request: web.Request) -> web.Response:
    """Have a manager no longer; the leader has another one lead first, which then does it."""
    core = request.app[CONTEXT].core
    name, instance = request.match_info["name"], request.query.get("instance")
    members = core.raft.members
    if not is_dns_label(name):
        raise NotFound(f"there is no manager {name!r}, and never was: that is no name")
    if instance is not None and all(member.name != name for member in members):
        return answer(request, _view(Known(core.raft.members_index, members)))  # that very one is gone already
    await note_managers(core)  # who was never noted would not be missed
    try:
        known = await core.raft.membership.remove(name, instance=instance, timeout_s=_CHANGE_TIMEOUT_S)
    except LeaderStays:
        to = await core.raft.transfer_leadership(timeout_s=_TRANSFER_ELECTIONS * core.raft.config.election_s)
        _log.info("handed the lead over to %s, because %s is to be removed", to, name)
        raise NotLeader(to) from None  # and there the request goes on
    address = next((member.api_address for member in members if member.name == name), "")
    await tell(core, TellOfManager(name, "removed", address, request[CALLER].name))
    await note_managers(core)
    return answer(request, _view(known))


@routes.post("/v1/managers/transfer")
@leader_only
async def transfer(request: web.Request) -> web.Response:
    """Have another manager lead."""
    core = request.app[CONTEXT].core
    wanted = decode(NextLeader, await json_object(request), what="transfer")
    if wanted.to != core.name:
        leader = await _hand_over(core, wanted.to)
        _log.info("handed the lead over to %s, as %s wants it", leader, request[CALLER].name)
        await core.read_barrier()  # it answers once it knows all that is committed: then it leads
    return answer(request, wanted)


async def tell(core: ManagerCore, event: TellOfManager) -> None:
    """Put it into the log of this manager and the story of the cluster; that it was done does not depend on it."""
    _log.info("manager %s (%s) was %s, as %s wants it", event.name, event.address, event.what, event.by)
    try:
        await core.submit(event, timeout_s=_TELL_TIMEOUT_S)
    except OkubeError as error:
        _log.info("there is no event of it: %s", error)


async def _hand_over(core: ManagerCore, to: str) -> str:
    try:
        leader = await core.raft.transfer_leadership(to, timeout_s=_TRANSFER_ELECTIONS * core.raft.config.election_s)
    except NoQuorum as error:
        if core.leads:
            raise Conflict(error.detail) from None  # all is as it was, so that asking again by ourselves is no use
        raise
    if leader != to:
        raise Conflict(f"{leader} leads now, and not {to}: there was an election meanwhile")
    return leader


def _view(known: Known) -> MembersView:
    return MembersView(
        known.index,
        tuple(MemberView(m.name, m.instance, m.api_address, m.raft_address, m.voter) for m in known.members),
    )
