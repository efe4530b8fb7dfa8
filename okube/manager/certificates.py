"""What the leader signs for agents and managers that renew: for whom, as the cluster knows them; and how they ask."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable

from okube.manager.api.caller import Caller, peer
from okube.manager.ca_files import follow
from okube.manager.core import ManagerCore
from okube.manager.leader import Leader
from okube.manager.peers import HttpPeerCalls
from okube.manager.signing import Signer
from okube.model.authority import Authorities
from okube.model.errors import Forbidden, NoQuorum, NotFound, OkubeError, Unreachable
from okube.model.wire import CertificateAnswer, CertificateQuestion, ExpiredQuestion, Papers
from okube.raft import Member
from okube.security import Identity, TlsFiles
from okube.security.expired import proved
from okube.security.renewal import Renewal

__all__ = ["OwnCertificate", "of_agent", "of_expired", "of_manager"]

_log = logging.getLogger(__name__)
_LOOKS_S = 1.0
_TOLD_AGAIN = 10  # looks
_LOOKED_AFTER = 3600  # looks: so often it is seen whether the admin's certificate is due


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
    return _of_member(core, signer, caller, said.request)


def of_expired(core: ManagerCore, signer: Signer, said: ExpiredQuestion) -> CertificateAnswer:
    """The next certificate of an agent or a manager whose certificate has ended.

    Any manager may give it, for there may be no leader: managers need certificates to elect one.

    Raises:
        Unauthorized: it cannot show that it had one.
        NotFound, Forbidden: it takes no part any more.
        OkubeError: the request is none, or this manager cannot sign.
    """
    found = proved(said, signer.trusted())
    if found.cluster_id != core.settings.cluster_id or found.role not in ("worker", "manager"):
        raise Forbidden("only a manager or a worker of this cluster renews its certificate this way")
    _log.info("%s %s renews a certificate that has ended", found.role, found.name)
    if found.role == "worker":
        caller = peer("worker", found.name, found.instance)
        return of_agent(core, signer, caller, CertificateQuestion(said.request))
    return _of_member(core, signer, peer("manager", found.name, found.instance), said.request)


def _of_member(core: ManagerCore, signer: Signer, caller: Caller, request: bytes) -> CertificateAnswer:
    member = next((m for m in core.raft.members if m.name == caller.name), None)
    if member is None or caller.instance not in ("", member.instance):
        raise Forbidden(f"{caller.name} is no manager of this cluster any more, or another instance of it")
    hosts = dict.fromkeys(_host(address) for address in (member.api_address, member.raft_address))
    identity = Identity(core.settings.cluster_id, "manager", member.name, member.instance)
    return _sign(signer, identity, hosts, request)


class OwnCertificate:
    """How a manager gets its own next certificate: it signs itself where it leads, and else asks the leader.

    It tells the leader what it shows, too: that one knows when all are ready for another CA.
    """

    def __init__(self, core: ManagerCore, signer: Signer, peers: HttpPeerCalls) -> None:
        self._core = core
        self._signer = signer
        self._peers = peers

    async def tend(self, renewal: Renewal, leader: Callable[[], Leader | None]) -> None:
        """Renew when the CA has changed, and tell the leader what this manager shows; until cancelled."""
        told: tuple[str | None, bool, Papers] | None = None
        beats = looks = 0
        followed: Authorities | None = None
        while True:
            followed = self._follow(None if looks % _LOOKED_AFTER == 0 else followed)
            looks += 1
            renewal.expect(self._core.authority.mark)
            telling = (self._core.raft.leader, leader() is not None, renewal.papers)
            if telling != told or beats >= _TOLD_AGAIN:
                await self._tell(renewal.papers, leader())
                await self._hand_in()
                told, beats = telling, 0
            beats += 1
            await asyncio.sleep(_LOOKS_S)

    def _follow(self, before: Authorities | None) -> Authorities | None:
        """Bring the files of this machine up to date with the CAs of the state; not again where these are as before."""
        core, found = self._core, self._core.tables.authorities
        files = core.settings.authority
        if found is None or found is before or files is None:
            return found
        if core.vault.locked:
            return before  # it cannot sign now, and looks again
        try:
            authority, trusted = core.authority.signing(), core.authority.trusted()
            follow(files, core.settings.cluster_id, authority, trusted, now_ms=core.clock.time_ms())
        except (OkubeError, OSError) as error:
            _log.warning("the files of the CA in %s are not brought up to date: %s", files.data_dir, error)
        return found

    async def _hand_in(self) -> None:
        """Where the state holds no CA and this machine does, the leader, which may not, gets it: sealed."""
        leader = self._leader()
        if leader is None:
            return
        for found in self._core.authority.plan_keeping(self._core.clock.time_ms()):
            try:
                await self._peers.hand_in(leader, found.authorities)
            except Unreachable as error:
                _log.info("the leader does not take the CA of this machine yet: %s", error.detail)

    async def _tell(self, papers: Papers, own: Leader | None) -> None:
        if own is not None:
            own.papers.managers[self._core.name] = papers
            return
        leader = self._leader()
        if leader is not None:
            with contextlib.suppress(Unreachable):  # an earlier Okube leads, or nobody does at this moment
                await self._peers.tell_papers(leader, papers)

    def _leader(self) -> Member | None:
        core = self._core
        found: Member | None = next((m for m in core.raft.members if m.name == core.raft.leader), None)
        return None if found is None or found.name == core.name else found

    async def ask(self, request: bytes) -> CertificateAnswer:
        """Have a request signed.

        Raises:
            NoQuorum: there is no leader now.
            OkubeError: the leader refuses, or does not answer.
        """
        core, question = self._core, CertificateQuestion(request)
        if core.leads:
            return of_manager(core, self._signer, peer("manager", core.name), question)
        leader = self._leader()
        if leader is None:
            raise NoQuorum("there is no leader now that could sign")
        return await self._peers.certificate(leader, question)

    async def ask_expired(self, question: ExpiredQuestion) -> CertificateAnswer:
        """The same where this manager's certificate has ended: it signs itself if it can, else any other may.

        Raises:
            OkubeError: nobody signs.
        """
        core, failures = self._core, []
        own = peer("manager", core.name, core.settings.instance)
        try:
            return _of_member(core, self._signer, own, question.request)
        except OkubeError as error:
            failures.append(error.detail)
        ca = TlsFiles(core.settings.directory / "tls").ca
        for member in core.raft.members:
            if member.name != core.name:
                try:
                    return await self._peers.expired(member, question, ca)
                except OkubeError as error:
                    failures.append(error.detail)
        raise Unreachable(f"nobody signs: {'; '.join(failures)}")


def _sign(signer: Signer, identity: Identity, hosts: Iterable[str], request: bytes) -> CertificateAnswer:
    return CertificateAnswer(signer.sign(request, identity, hosts), signer.trusted())


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")
