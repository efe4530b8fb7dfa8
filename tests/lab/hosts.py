"""Hosts with networks of their own on one machine, joined by a switch, and links between them that can be cut.

Each host is a network namespace with one address, and so is the switch. The test itself has an address on the switch
too, so that commands reach all hosts. A cut is a packet filter at both ends: what is sent vanishes without a word, as
behind a broken cable. Needs root, ``ip``, ``nsenter`` and ``iptables``.
"""

import os
import random
import subprocess
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Hosts"]

_NAMESPACES = Path("/run/netns")
_PREFIX = "okl"


class Hosts:
    """The hosts that are named; `destroy` leaves nothing of them. One for each prefix in a process."""

    def __init__(self, names: Iterable[str], *, prefix: str = _PREFIX) -> None:
        _clean_up_after_the_dead(prefix)
        self._mark = f"{prefix}{os.getpid()}"
        taken = subprocess.run(["ip", "-4", "-o", "addr"], capture_output=True, text=True, check=True).stdout
        rng = random.Random(self._mark)
        network = next(n for n in (f"198.18.{rng.randrange(256)}" for _ in range(1000)) if f"{n}." not in taken)
        self.addresses = {name: f"{network}.{number}" for number, name in enumerate(names, 2)}
        self._cuts: set[tuple[str, str]] = set()
        try:
            self._make(f"{network}.1")
        except BaseException:
            self.destroy()
            raise

    def command(self, host: str, *words: str) -> list[str]:
        """The words that run a command on a host."""
        return ["nsenter", f"--net={self.namespace(host)}", *words]

    def namespace(self, host: str) -> Path:
        """The file by which a host's network is entered."""
        return _NAMESPACES / self._namespace(host)

    def cut(self, one: str, other: str) -> None:
        """Nothing gets from one host to the other any more, nor back."""
        if (one, other) not in self._cuts:
            self._cuts.add((one, other))
            self._filter("-I", one, other)

    def unplug(self, host: str) -> None:
        """Pull a host's cable: it keeps its address, and reaches nobody."""
        self._port(host, "down")

    def plug(self, host: str) -> None:
        """Undo ``unplug``."""
        self._port(host, "up")

    def readdress(self, host: str) -> str:
        """Give a host that nobody is cut off from another address of the same network, and answer it."""
        old = self.addresses[host]
        network, _, _ = old.rpartition(".")
        number = max(int(address.rpartition(".")[2]) for address in self.addresses.values()) + 1
        self.addresses[host] = f"{network}.{number}"
        _run("ip", "-n", self._namespace(host), "addr", "del", f"{old}/24", "dev", "e0")
        _run("ip", "-n", self._namespace(host), "addr", "add", f"{self.addresses[host]}/24", "dev", "e0")
        return self.addresses[host]

    def heal(self) -> None:
        """Undo all cuts."""
        for one, other in self._cuts:
            self._filter("-D", one, other)
        self._cuts.clear()

    def destroy(self) -> None:
        """Remove all of it; whatever runs on the hosts was ended before."""
        _run("ip", "link", "delete", self._mark, check=False)
        for name in (*self.addresses, "switch"):
            _run("ip", "netns", "delete", self._namespace(name), check=False)

    def _make(self, own_address: str) -> None:
        switch = self._namespace("switch")
        _run("ip", "netns", "add", switch)
        _run("ip", "-n", switch, "link", "add", "br0", "type", "bridge")
        _run("ip", "-n", switch, "link", "set", "br0", "up")
        for name, address in self.addresses.items():
            namespace = self._namespace(name)
            _run("ip", "netns", "add", namespace)
            _run("ip", "-n", namespace, "link", "set", "lo", "up")
            _run("ip", "link", "add", "e0", "netns", namespace, "type", "veth", "peer", f"p-{name}", "netns", switch)
            _run("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", "e0")
            _run("ip", "-n", namespace, "link", "set", "e0", "up")
            _run("ip", "-n", switch, "link", "set", f"p-{name}", "master", "br0", "up")
        _run("ip", "link", "add", self._mark, "type", "veth", "peer", "p-test", "netns", switch)
        _run("ip", "addr", "add", f"{own_address}/24", "dev", self._mark)
        _run("ip", "link", "set", self._mark, "up")
        _run("ip", "-n", switch, "link", "set", "p-test", "master", "br0", "up")

    def _port(self, host: str, state: str) -> None:
        _run("ip", "-n", self._namespace("switch"), "link", "set", f"p-{host}", state)

    def _filter(self, how: str, one: str, other: str) -> None:
        for here, there in ((one, other), (other, one)):
            _run(*self.command(here, "iptables", how, "INPUT", "-s", self.addresses[there], "-j", "DROP"))

    def _namespace(self, name: str) -> str:
        return f"{self._mark}-{name}"


def _clean_up_after_the_dead(prefix: str) -> None:
    """Remove hosts whose test run has ended without doing so itself."""
    if not _NAMESPACES.is_dir():
        return
    for path in _NAMESPACES.glob(f"{prefix}*-*"):
        pid = path.name.removeprefix(prefix).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            _run("ip", "link", "delete", f"{prefix}{pid}", check=False)
            _run("ip", "netns", "delete", path.name, check=False)


def _run(*command: str, check: bool = True) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
