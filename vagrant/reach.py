"""``lab install`` and ``lab forget``: what Vagrant has this host do when machines came up, or went for good."""

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from okube.install.bundle import find_bundle
from okube.install.inventory import Access
from okube.model.errors import Conflict
from okube.processes.launch import okube_command
from okube.processes.lock import one_at_a_time
from okube.security.private import ensure_folder
from vagrant.site import FOLDER, Site, name_of, vagrants_own

__all__ = ["answers", "forget", "install", "install_command"]

Say = Callable[[str], None]
_ANSWER_S = 3.0
_WELL = "15m"
"""How long the cluster may take until it is well: virtual machines may be emulated ones."""
_OWN = FOLDER / ".lab"
_DIST = FOLDER.parent / "dist"


def install(site: Site, say: Say, *, own: Path = _OWN) -> int:
    """Have Okube on the machines once all of them answer; returns the exit status.

    Vagrant calls it after each machine, side by side for some providers. It waits for none: the last one finds all. And
    where several find all, one of them installs; Vagrant ends when that one is done.
    """
    away = [name_of(machine) for machine in site.machines if not answers(machine.access)]
    if away:
        say(f"{', '.join(away)} not up yet: Okube is installed with the last machine that comes up.")
        return 0
    try:
        with one_at_a_time(ensure_folder(own) / "install.lock", what="the lab"):
            return subprocess.run(install_command(site), check=False).returncode
    except Conflict:
        say("All machines are up, and Okube is being installed on them already.")
        return 0


def install_command(site: Site, dist: Path = _DIST) -> list[str]:
    """The command, the very one for real machines; with the newest bundle that was made of this checkout, if any."""
    bundle = find_bundle([dist])
    words = [*okube_command(), "cluster", "install", "-f", str(site.cluster_file), "--accept-new-host-keys"]
    return [*words, "--timeout", _WELL, *(["--bundle", str(bundle)] if bundle else [])]


def answers(access: Access) -> bool:
    """Whether a machine's sshd greets; a connection alone says little, for a proxy on the way may take it."""
    try:
        with socket.create_connection((access.host, access.port), timeout=_ANSWER_S) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def forget(site: Site, name: str, say: Say, *, left: Iterable[str] | None = None, own: Path = _OWN) -> None:
    """Forget the host key of a machine that was destroyed; with the last one, all that this host kept of the cluster.

    Args:
        site: the lab.
        name: the machine.
        say: told what goes.
        left: the lab's machines that are still there, if not as Vagrant notes them.
        own: the folder in which the lab may remove what the cluster's file names.
    """
    access = site.machine(name).access
    if access.known_hosts.exists() and own in access.known_hosts.parents:
        host = access.host if access.port == 22 else f"[{access.host}]:{access.port}"
        words = ["ssh-keygen", "-q", "-R", host, "-f", str(access.known_hosts)]
        subprocess.run(words, check=False, capture_output=True)
        access.known_hosts.with_name(f"{access.known_hosts.name}.old").unlink(missing_ok=True)
    there = set(vagrants_own() if left is None else left) & set(map(name_of, site.machines))
    if there - {name}:
        return
    for path in (site.config.data_dir, site.config.key_dir, access.known_hosts):
        if path is not None and path.exists() and own in path.parents:
            say(f"removed {path}, with the last machine")
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
