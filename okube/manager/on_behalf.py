"""What any manager does for the leader, which perhaps does not reach an agent itself: it calls, and it passes on."""

import asyncio
from collections.abc import Sequence

from okube.manager.agents import AgentCalls
from okube.model.node import Node
from okube.model.wire import AssignmentAnswer, ReachAnswer, ReachQuestion, RelayQuestion
from okube.state import Tables

__all__ = ["probe_all", "reach", "relay"]

_CALLS_AT_ONCE = 256


async def probe_all(agents: AgentCalls, nodes: Sequence[Node]) -> dict[str, bool]:
    """Call agents side by side; which of them answered, by name."""
    turns = asyncio.Semaphore(_CALLS_AT_ONCE)

    async def probe(node: Node) -> bool:
        async with turns:
            return await agents.probe(node)

    answers = await asyncio.gather(*(probe(node) for node in nodes))
    return {node.name: answered for node, answered in zip(nodes, answers, strict=True)}


async def reach(tables: Tables, agents: AgentCalls, question: ReachQuestion) -> ReachAnswer:
    """Call the nodes that are asked about, as far as they are known here."""
    named = zip(question.nodes, question.instances, strict=False)
    known = [node for name, instance in named if (node := tables.nodes.get(name)) is not None and node.id == instance]
    answers = await probe_all(agents, known)
    return ReachAnswer(tuple(answers), tuple(answers.values()))


async def relay(agents: AgentCalls, question: RelayQuestion) -> AssignmentAnswer:
    """Pass an assignment on to its node; what is older than the agent has seen, the agent refuses.

    Raises:
        Unreachable: the agent does not answer here either.
    """
    assignment = question.assignment
    node = Node(name=assignment.node, id=assignment.instance, address=question.address)
    return await agents.assign(node, assignment)
