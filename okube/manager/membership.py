"""Which managers have left, for those who cannot read the log's membership: agents, and leaders to come.

The log's own membership decides who is a manager, and forgets who was one. An agent knows managers by their
certificates, which are good for months; so the state notes the instances that there are, and from that who is none any
more.
"""

import logging

from okube.manager.core import ManagerCore
from okube.model.commands import NoteManagers
from okube.model.errors import OkubeError
from okube.model.versions import version_of

__all__ = ["note_managers", "plan_noting"]

_log = logging.getLogger(__name__)
_NOTE_TIMEOUT_S = 1.0


def plan_noting(core: ManagerCore) -> list[NoteManagers]:
    """What the leader proposes where the state does not have the managers as the committed membership has them."""
    if core.raft.members_index > core.raft.commit_index:
        return []
    command = NoteManagers(tuple(sorted(member.instance for member in core.raft.members)))
    settings = core.tables.settings
    if command.instances == settings.managers or version_of(command) > settings.command_version:
        return []
    return [command]


async def note_managers(core: ManagerCore) -> None:
    """The same at once, where the membership has changed; what fails here the leader does a little later."""
    try:
        for command in plan_noting(core):
            await core.submit(command, timeout_s=_NOTE_TIMEOUT_S)
    except OkubeError as error:
        _log.info("the managers are noted later: %s", error)
