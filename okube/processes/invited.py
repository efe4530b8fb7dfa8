"""``okube managers add`` where this machine does not have the key of the CA: the cluster signs, for a token of its own.

So it works on any machine that has cluster.yaml and an admin's credentials, the new manager's own among them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from okube.config import ClusterConfig, ManagerConfig
from okube.manager.settings import ManagerSettings
from okube.processes.here import is_here
from okube.processes.invitation import Host
from okube.processes.joining import Wish, join, start
from okube.security import ClusterFiles
from okube.security.jointokens import JoinToken
from okube.security.seed import read_process_identity

__all__ = ["Invitation", "Invite", "join_invited"]

_LET_IN_S = 30.0


class Invitation(msgspec.Struct, frozen=True):
    """A token for one manager, where the managers are, and the instances of those that there are, by name."""

    token: JoinToken
    managers: Sequence[Host]
    members: Mapping[str, str]


Invite = Callable[[], AbstractContextManager[Invitation]]
"""Has the cluster make an invitation, which holds within the context."""


def join_invited(
    config: ClusterConfig,
    config_path: Path,
    manager: ManagerConfig,
    invite: Invite,
    echo: Callable[[str], None],
    *,
    command: Sequence[str] | None = None,
    bootstrap: Callable[[ManagerSettings, int], None] | None = None,
) -> Path:
    """Have it join, and start it if this is its machine; its folder.

    Raises:
        OkubeError: the cluster does not let it in, or what is in the data directory is in the way.
        StartFailed: it was made, and does not start.
    """
    here = is_here(manager.host)
    with invite() as invitation:
        _set_aside(config, manager.name, invitation.members.get(manager.name), echo)
        joined = join(
            invitation.token,
            invitation.managers,
            Wish(name=manager.name),
            config_path,
            timeout_s=_LET_IN_S,
            say=echo,
            bootstrap=bootstrap,
            keep_unlock_key=here,
        )
    if here:
        start(joined, echo, command=command)
    return joined.folder


def _set_aside(config: ClusterConfig, name: str, instance: str | None, echo: Callable[[str], None]) -> None:
    """An old folder gets a name that nothing starts from; who needs nothing of it removes it."""
    folder = ClusterFiles(config.data_dir).process(name)
    if not folder.identity.exists():
        return
    identity = read_process_identity(folder.identity)
    if identity.instance != instance:
        aside = folder.root.with_name(f".{identity.name}.{identity.instance}.left")
        folder.root.rename(aside)
        echo(f"note: what an earlier {name} left is now in {aside}")
