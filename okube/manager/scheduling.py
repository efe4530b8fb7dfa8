"""How nodes are chosen: what cluster.yaml says of it becomes part of the state once, and the state's word a policy."""

import msgspec

from okube.manager.settings import ManagerSettings
from okube.model.commands import PutScheduling
from okube.model.scheduling import Scheduling
from okube.model.versions import version_of
from okube.scheduler import Extensions, Policy, policy_of
from okube.state import Tables

__all__ = ["plan_seeding", "policy_in", "scheduling_in"]


def scheduling_in(tables: Tables) -> Scheduling:
    """What was said of it, or the defaults."""
    said = tables.settings.scheduling
    return Scheduling() if said is msgspec.UNSET else said


def policy_in(tables: Tables, extensions: Extensions) -> Policy:
    """The policy that holds now."""
    said = scheduling_in(tables)
    return policy_of(said.policy, said.weights, extensions.scores)


def plan_seeding(tables: Tables, settings: ManagerSettings) -> list[PutScheduling]:
    """What the leader proposes where its cluster.yaml says how nodes are chosen, and nobody did before."""
    if settings.scheduling is None or tables.settings.scheduling is not msgspec.UNSET:
        return []
    command = PutScheduling(settings.scheduling, seed=True)
    return [command] if version_of(command) <= tables.settings.command_version else []
