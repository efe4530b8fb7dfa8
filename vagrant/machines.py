"""The machines' power and cables, behind a seam: Vagrant's, or hosts that a test makes."""

import shlex
from typing import Protocol

from vagrant.site import Site
from vagrant.transcript import Transcript

__all__ = ["Machines", "VirtualMachines", "link_command"]


class Machines(Protocol):
    """What happens to machines; each returns when it is done."""

    def power_off(self, name: str) -> None:
        """As if its plug were pulled."""

    def power_on(self, name: str) -> None:
        """It boots, and starts what its systemd starts."""

    def cut(self, name: str) -> None:
        """No other machine of the lab reaches it any more."""

    def heal(self, name: str) -> None:
        """The others reach it again."""


class VirtualMachines:
    """Vagrant's machines, by Vagrant's own commands."""

    def __init__(self, site: Site, transcript: Transcript) -> None:
        self._site = site
        self._transcript = transcript

    def power_off(self, name: str) -> None:
        """End the machine without a word to its system."""
        self._vagrant("halt", "--force", name)

    def power_on(self, name: str) -> None:
        """Boot it, and wait until it answers."""
        self._vagrant("up", name)

    def cut(self, name: str) -> None:
        """Take down the card of the lab's network; Vagrant's own card stays, so that ``vagrant ssh`` goes on."""
        self._vagrant("ssh", name, "-c", link_command(self._site.machine(name).host, "down"))

    def heal(self, name: str) -> None:
        """Take the card up again."""
        self._vagrant("ssh", name, "-c", link_command(self._site.machine(name).host, "up"))

    def _vagrant(self, *words: str) -> None:
        self._transcript.run("vagrant", *words, quiet=True)


def link_command(address: str, state: str) -> str:
    """The shell's command that takes the card with an address up or down; the card keeps the address meanwhile."""
    find = f"ip -o -4 address show to {shlex.quote(address)} | cut -d' ' -f2"
    return f'sudo ip link set dev "$({find})" {state}'
