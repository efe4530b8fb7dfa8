"""What the leader signs for agents and managers that renew: for whom, as the cluster knows them; and how they ask."""

from collections.abc import Iterable

from okube.manager.api.caller import Caller, peer
from okube.manager.core import ManagerCore
from okube.manager.peers import HttpPeerCalls
from okube.manager.signing import Signer
from okube.model.errors import Forbidden, NoQuorum, NotFound
from okube.model.wire import CertificateAnswer, CertificateQuestion
from okube.raft import Member
from okube.security import Identity

__all__ = ["OwnCertificate", "of_agent", "of_manager"]


def of_agent(core: ManagerCore, signer: Signer, caller: Caller, said: CertificateQuestion) -> CertificateAnswer:
    """The next certificate of the agent of a node.

    Raises:
        NotFound: there is no such node: it registers first.
        Forbidden: another agent has its name now.
        OkubeError: the request is none, or this manager cannot sign.
    """
    node = core.tables.nodes.get(caller.name)
    if node is None:
        raise NotFound(f"there is no node {caller.name}: its agent registers before it renews its certificate")
    if caller.instance not in ("", node.id):
        raise Forbidden(f"{caller.name} is instance {node.id} now, and your certificate is of {caller.instance}")
    return _sign(signer, Identity(core.settings.cluster_id, "worker", node.name, node.id), (), said.request)


def of_manager(core: ManagerCore, signer: Signer, caller: Caller, said: CertificateQuestion) -> CertificateAnswer:
    """The next certificate of a manager, this one or another.

    Raises:
        NoQuorum: this manager does not lead, so it may not know who has left.
        Forbidden: the caller is no manager any more, or another instance has its name now.
        OkubeError: the request is none, or this manager cannot sign.
    """
    if not core.leads:
        raise NoQuorum(f"{core.name} does not lead now: certificates of managers are signed by the leader")
    member = next((m for m in core.raft.members if m.name == caller.name), None)
    if member is None or caller.instance not in ("", member.instance):
        raise Forbidden(f"{caller.name} is no manager of this cluster any more, or another instance of it")
    hosts = dict.fromkeys(_host(address) for address in (member.api_address, member.raft_address))
    return _sign(
        signer, Identity(core.settings.cluster_id, "manager", member.name, member.instance), hosts, said.request
    )


class OwnCertificate:
    """How a manager gets its own next certificate: it signs itself where it leads, and else asks the leader."""

    def __init__(self, core: ManagerCore, signer: Signer, peers: HttpPeerCalls) -> None:
        self._core = core
        self._signer = signer
        self._peers = peers

    async def ask(self, request: bytes) -> CertificateAnswer:
        """Have a request signed.

        Raises:
            NoQuorum: there is no leader now.
            OkubeError: the leader refuses, or does not answer.
        """
        core, question = self._core, CertificateQuestion(request)
        if core.leads:
            return of_manager(core, self._signer, peer("manager", core.name), question)
        leader: Member | None = next((m for m in core.raft.members if m.name == core.raft.leader), None)
        if leader is None or leader.name == core.name:
            raise NoQuorum("there is no leader now that could sign")
        return await self._peers.certificate(leader, question)


def _sign(signer: Signer, identity: Identity, hosts: Iterable[str], request: bytes) -> CertificateAnswer:
    return CertificateAnswer(signer.sign(request, identity, hosts), signer.trusted())


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")
