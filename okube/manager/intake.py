"""What the leader does with what agents say, however it came: let nodes in, take their signs of life and reports."""

import asyncio
import logging
from collections.abc import Mapping

from okube.manager.core import ManagerCore
from okube.manager.leader import Leader
from okube.model.commands import RegisterNode, ReportTasks, SetNodeConditions
from okube.model.epoch import Epoch
from okube.model.errors import Conflict, NoQuorum, OkubeError, StaleEpoch
from okube.model.node import MAX_CONDITIONS, Node
from okube.model.resources import MAX_COUNT, MAX_NAMES, may_be_named
from okube.model.versions import FIELDS_SINCE
from okube.model.wire import (
    BeatsAnswer,
    BeatsQuestion,
    Heartbeat,
    HeartbeatAnswer,
    Registration,
    RegistrationAnswer,
)

__all__ = ["at_once", "heartbeat", "register", "together"]

_log = logging.getLogger(__name__)
_EPOCH_AHEAD = "epoch-ahead"
_PLATFORM_TOLD = 6
"""Agents that know this command version say of which platform their machine is."""
_LATER = ("region", "rack", "named", "platform")
"""What an agent may say of its machine that managers have come to know one after the other."""


async def register(core: ManagerCore, leader: Leader | None, said: Registration) -> RegistrationAnswer:
    """Let a node in, or say why it may not take part; answered once it is committed.

    Raises:
        NoQuorum: this manager does not lead; ``leader`` is None where it has not begun to.
        OutcomeUnknown: the node may have been let in.
    """
    leader = _leading(core, leader)
    message = ""
    before = core.tables.nodes.get(said.node)
    try:
        await core.submit(_command(core, said))
        if before is None:
            _log.info("node %s has joined", said.node)
        elif before.state == "down":
            _log.info("node %s is ready again", said.node)
        leader.runs[said.node] = (said.run, 0)
        if not all(_takes(core, field) for field in _LATER if getattr(said, field)):
            leader.cut_short.add(said.node)
        core.metrics.registrations.inc()
        leader.liveness.heard(said.node)
        leader.dispatcher.reconnected(said.node)
    except StaleEpoch as error:
        raise NoQuorum(f"{core.name} does not lead any more") from error
    except Conflict as error:
        message = error.detail
    return RegistrationAnswer(
        accepted=not message,
        epoch=core.epoch,
        message=message,
        heartbeat_ms=core.tables.settings.heartbeat_ms,
        managers=_managers(core),
        address=_address(core, said.node),
    )


def at_once(core: ManagerCore, leader: Leader, said: Heartbeat) -> HeartbeatAnswer | None:
    """The answer to a heartbeat that changes nothing in the state, as nearly all do; None for any other.

    Then nothing was done, and ``heartbeat`` is what takes it.
    """
    node = core.tables.nodes.get(said.node)
    if said.reports or said.absence_s or node is None or node.id != said.instance or node.state != "ready":
        return None
    if not node.knows or said.node in leader.cut_short or _conditions_of(core, node, said) != _conditions_in(node):
        return None
    run, sequence = leader.runs.get(said.node, (said.run, 0))
    if run != said.run or said.sequence < sequence:
        return None
    leader.runs[said.node] = (run, said.sequence)
    core.metrics.heartbeats.inc()
    leader.liveness.heard(said.node)
    _take(core, leader, said)
    return _answer(core, leader, said, known=True)


async def heartbeat(core: ManagerCore, leader: Leader | None, said: Heartbeat) -> HeartbeatAnswer:
    """A sign of life; answered once the reports in it are committed.

    Raises:
        NoQuorum: this manager does not lead; ``leader`` is None where it has not begun to.
        OutcomeUnknown: the reports may be committed.
    """
    leader = _leading(core, leader)
    node = core.tables.nodes.get(said.node)
    known = node is not None and node.id == said.instance and node.state == "ready"
    known = known and not _has_more_to_say(core, leader, node, said)
    core.metrics.heartbeats.inc()
    if known and _in_order(leader, said):
        leader.liveness.heard(said.node, absence_s=said.absence_s)
        told = _conditions(core, node, said)
        if told is not None:
            await core.submit(told)
        if said.reports:
            await core.submit(ReportTasks(said.node, said.instance, said.reports))
        _take(core, leader, said)
    elif known:
        known = False  # it is of another run of the agent, which registers first
    return _answer(core, leader, said, known=known)


async def together(core: ManagerCore, leader: Leader, asked: BeatsQuestion) -> BeatsAnswer:
    """Heartbeats that a follower gathered: each answered as if it had come by itself, or left to do so."""
    answers: list[HeartbeatAnswer | None] = []
    longer: list[int] = []
    barred = core.tables.settings.barred
    for number, (instance, said) in enumerate(zip(asked.instances, asked.beats, strict=False)):
        speaks_for_itself = instance not in barred and instance in ("", said.instance)
        answers.append(at_once(core, leader, said) if speaks_for_itself else None)
        if speaks_for_itself and answers[-1] is None:
            longer.append(number)
    if longer:
        each = (heartbeat(core, leader, asked.beats[number]) for number in longer)
        for number, outcome in zip(longer, await asyncio.gather(*each, return_exceptions=True), strict=True):
            if isinstance(outcome, HeartbeatAnswer):
                answers[number] = outcome
            elif not isinstance(outcome, OkubeError):
                raise outcome
    return BeatsAnswer(tuple(answers))


def _take(core: ManagerCore, leader: Leader, said: Heartbeat) -> None:
    """Write down what this leader alone remembers."""
    if said.papers is not None:
        leader.papers.nodes[said.node] = said.papers
    if said.network is not None:
        leader.survey.heard(said.node, said.network)
    leader.dispatcher.agent_holds(said.node, same_epoch=said.epoch == core.epoch, revision=said.revision)


def _answer(core: ManagerCore, leader: Leader, said: Heartbeat, *, known: bool) -> HeartbeatAnswer:
    return HeartbeatAnswer(
        epoch=core.epoch,
        known=known,
        heartbeat_ms=core.tables.settings.heartbeat_ms,
        managers=_managers(core),
        mark=core.authority.mark,
        address=_address(core, said.node),
        left_managers=core.tables.settings.left_managers,
        probing=leader.survey.probing(said.node) if known and said.network is not None else None,
    )


def _has_more_to_say(core: ManagerCore, leader: Leader, node: Node | None, said: Heartbeat) -> bool:
    """Whether the agent may have said what it knows when that could not be taken down: it registers once more."""
    if node is None or leader.asked_again.get(said.node) == said.run:
        return False
    unsaid = (not node.knows and _takes(core, "knows")) or (
        node.knows >= _PLATFORM_TOLD and not node.platform and _takes(core, "platform")
    )
    if said.node in leader.cut_short and all(_takes(core, field) for field in _LATER):
        leader.cut_short.discard(said.node)
        unsaid = True
    if not unsaid:
        return False
    leader.asked_again[said.node] = said.run
    return True


def _takes(core: ManagerCore, field: str) -> bool:
    """Whether every manager knows a field of a registration that came later."""
    return core.tables.settings.command_version >= FIELDS_SINCE[RegisterNode][field]


def _conditions(core: ManagerCore, node: Node | None, said: Heartbeat) -> SetNodeConditions | None:
    """What is wrong with the node, where the cluster does not know it yet."""
    if node is None:
        return None
    told = _conditions_of(core, node, said)
    if told == _conditions_in(node):
        return None
    before = {condition.kind for condition in node.conditions}
    for kind, message in told:
        if kind not in before:
            _log.warning("node %s: %s: %s", node.name, kind, message)
    for kind in sorted(before - {kind for kind, _ in told}):
        _log.info("node %s: %s is over", node.name, kind)
    return SetNodeConditions(said.node, said.instance, told)


def _conditions_in(node: Node) -> tuple[tuple[str, str], ...]:
    return tuple((condition.kind, condition.message) for condition in node.conditions)


def _conditions_of(core: ManagerCore, node: Node, said: Heartbeat) -> tuple[tuple[str, str], ...]:
    """What is wrong with the node by this heartbeat."""
    if not node.conditions and not said.conditions and said.epoch <= core.epoch:
        return ()
    found = {condition.kind: condition.message for condition in node.conditions}
    if said.conditions is not None:
        found = {condition.kind: condition.message for condition in said.conditions[: MAX_CONDITIONS - 1]}
    found.pop("no-heartbeats", None)
    found.pop(_EPOCH_AHEAD, None)
    if said.epoch > core.epoch:
        found[_EPOCH_AHEAD] = _epoch_ahead(said.epoch, core.epoch)
    return tuple(sorted(found.items()))


def _epoch_ahead(obeyed: Epoch, own: Epoch) -> str:
    """No leader but one that was restored hears this: one that was deposed cannot write it down."""
    return (
        f"its agent obeys epoch {obeyed}, and the leader's is {own}, so it starts and stops nothing: the managers were "
        f"restored from an older copy. Restart the leader until `okube status` shows an epoch above {obeyed}"
    )


def _in_order(leader: Leader, said: Heartbeat) -> bool:
    """Whether the heartbeat is of the run of the agent that is known, or the first that this leader hears.

    Raises:
        Conflict: a later one of the same run has come already, and must not be undone.
    """
    run, sequence = leader.runs.get(said.node, (said.run, 0))
    if run != said.run:
        return False
    if said.sequence < sequence:
        raise Conflict(f"a later heartbeat of {said.node} has come already")
    leader.runs[said.node] = (run, said.sequence)
    return True


def _leading(core: ManagerCore, leader: Leader | None) -> Leader:
    if leader is None:
        raise NoQuorum(f"{core.name} has not begun to lead yet")
    return leader


def _managers(core: ManagerCore) -> tuple[str, ...]:
    return tuple(member.api_address for member in core.raft.members)


def _address(core: ManagerCore, name: str) -> str:
    """Where a node is reached, where that was set: its agent listens there from then on."""
    node = core.tables.nodes.get(name)
    return node.address if node is not None and node.readdressed else ""


def _named(said: Mapping[str, int]) -> dict[str, int]:
    """Of what an agent says its machine offers, what may be offered: the rest no service could ask for."""
    good = [(name, count) for name, count in sorted(said.items()) if may_be_named(name) and 1 <= count <= MAX_COUNT]
    return dict(good[:MAX_NAMES])


def _command(core: ManagerCore, said: Registration) -> RegisterNode:
    """Without what some manager does not know yet: an agent must get in while managers are upgraded too."""
    return RegisterNode(
        name=said.node,
        instance=said.instance,
        address=said.address,
        labels=said.labels,
        zone=said.zone,
        cores=said.cores,
        memory=said.memory,
        disk=said.disk,
        runtime=said.runtime,
        software=said.software,
        machine_id=said.machine_id if _takes(core, "machine_id") else "",
        knows=said.knows if _takes(core, "knows") else 0,
        region=said.region if _takes(core, "region") else "",
        rack=said.rack if _takes(core, "rack") else "",
        named=_named(said.named) if _takes(core, "named") else {},
        platform=said.platform if _takes(core, "platform") else "",
    )
