"""Several hosts on one machine, each with a name, an address, a root, an sshd and an engine of its own.

    with Rack(["m1", "w1"], engines=["w1"]) as rack:
        rack.hosts["m1"].run("okube", "status")
        rack.power_off("w1")

``rack.folder`` has what an operator has: ``id_ed25519`` and ``known_hosts``. Needs root and the packages that
`PACKAGES` names. Leaves nothing on the machine, and removes first what an earlier run left that was killed.
"""

import itertools
import os
import shutil
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType

from tests.lab.hosts import Hosts
from tests.lab.rack import cgroups
from tests.lab.rack.disk import prepare
from tests.lab.rack.host import Host
from tests.lab.rack.keys import new_key

__all__ = ["PACKAGES", "Rack", "clean_up_after_the_dead"]

#: Debian's packages that a rack is made of.
PACKAGES = (
    "openssh-server",
    "openssh-client",
    "sudo",
    "python3",
    "docker.io",
    "iproute2",
    "iptables",
    "busybox-static",
)
_FOLDER = "okube-rack-"
_LINKS = "okr"
_SERIAL = itertools.cycle("abcdefgh")


class Rack:
    """The hosts that are named, all on.

    Args:
        names: theirs.
        engines: those that have a Docker Engine; all, if not given.
        systemd: whether they take their supervisor for systemd.
        folder: where it keeps everything; else one that is made.
        software: releases of Okube that all have already, in a folder as ``/opt/okube/versions`` of a host is. To make
            one takes a host most of an installation's time, and hosts of one machine share its cores.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        engines: Collection[str] | None = None,
        systemd: bool = False,
        folder: Path | None = None,
        software: Path | None = None,
    ) -> None:
        _missing()
        clean_up_after_the_dead()
        self.folder = Path(tempfile.mkdtemp(prefix=_FOLDER)) if folder is None else folder
        self.folder.mkdir(parents=True, exist_ok=True)
        prefix = f"{_LINKS}{next(_SERIAL)}"  # so that a process may have several
        self._mark = f"{prefix}{os.getpid()}"
        (self.folder / "mark").write_text(self._mark)
        (self.folder / "owner").write_text(str(os.getpid()))
        self.network = Hosts(names, prefix=prefix)
        self.hosts: dict[str, Host] = {}
        try:
            self._make(engines if engines is not None else names, systemd=systemd)
            for host in self.hosts.values():
                if software is not None:
                    shutil.copytree(
                        software, host.folder / "disk/opt/okube/versions", symlinks=True, copy_function=os.link
                    )
                host.switch_on()
            for host in self.hosts.values():
                host.wait_until_up()
        except BaseException:
            self.destroy()
            raise

    def __enter__(self) -> "Rack":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.destroy()

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    @property
    def identity(self) -> Path:
        """The private key with which ``root``, ``ops`` and ``guest`` may log in everywhere."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The keys of all hosts, as OpenSSH keeps them."""
        return self.folder / "known_hosts"

    def ssh(self, name: str, *words: str, user: str = "root") -> list[str]:
        """The words that log in with OpenSSH."""
        options = ["-i", str(self.identity), "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "BatchMode=yes"]
        return ["ssh", "-F", "none", *options, f"{user}@{self.hosts[name].address}", *words]

    def power_off(self, name: str) -> None:
        """Cut a host's power; it answers nobody any more."""
        self.network.unplug(name)
        self.hosts[name].switch_off()

    def power_on(self, name: str) -> None:
        """Switch a host on again and wait until it is up: its supervisor starts what is enabled."""
        self.network.plug(name)
        self.hosts[name].switch_on()
        self.hosts[name].wait_until_up()

    def unplug(self, name: str) -> None:
        """Pull a host's cable."""
        self.network.unplug(name)

    def plug(self, name: str) -> None:
        """Undo ``unplug``."""
        self.network.plug(name)

    def cut(self, one: str, other: str) -> None:
        """Nothing gets from one host to the other any more, nor back."""
        self.network.cut(one, other)

    def heal(self) -> None:
        """Undo all cuts."""
        self.network.heal()

    def readdress(self, name: str) -> str:
        """Give a host another address, as another network would; its host key stays, and is known under both."""
        host = self.hosts[name]
        (line,) = (line for line in self.known_hosts.read_text().splitlines() if line.split()[0] == host.address)
        host.address = self.network.readdress(name)
        with self.known_hosts.open("a") as known:
            known.write(f"{host.address} {line.partition(' ')[2]}\n")
        return host.address

    def consoles(self) -> str:
        """What all hosts have said: what to read when a test failed."""
        return "\n".join(host.console() for host in self.hosts.values())

    def destroy(self) -> None:
        """Switch all off and remove every trace."""
        for host in self.hosts.values():
            host.switch_off()
        self.network.destroy()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make(self, engines: Collection[str], *, systemd: bool) -> None:
        operator = new_key()
        self.identity.write_text(operator.private)
        self.identity.chmod(0o600)
        known = []
        for name, address in self.network.addresses.items():
            host_key = new_key()
            folder = self.folder / "hosts" / name
            engine = name in engines
            prepare(
                folder,
                name=name,
                address=address,
                host_key=host_key,
                operator=operator.public,
                engine=engine,
                systemd=systemd,
            )
            known.append(f"{address} {host_key.public}\n")
            network = self.network.namespace(name)
            self.hosts[name] = Host(name, address, folder, network, self._mark, engine=engine, systemd=systemd)
        self.known_hosts.write_text("".join(known))


def clean_up_after_the_dead() -> None:
    """Remove racks whose owner has ended without doing so itself; their hosts' names are in their folders."""
    for owner in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*/owner"):
        if Path(f"/proc/{owner.read_text()}").exists():
            continue
        mark = (owner.parent / "mark").read_text()
        for folder in (owner.parent / "hosts").glob("*"):
            cgroups.end(f"{mark}-{folder.name}")
        shutil.rmtree(owner.parent, ignore_errors=True)


def _missing() -> None:
    needed = (
        "/usr/sbin/sshd",
        "/usr/bin/python3",
        "/usr/sbin/dockerd",
        "/usr/sbin/ip",
        "/usr/bin/sudo",
        "/usr/bin/busybox",
    )
    missing = [path for path in needed if not Path(path).exists()]
    if missing or os.getuid():
        raise RuntimeError(
            f"{', '.join(missing) or 'root'} is missing: as root, scripts/packages {' '.join(PACKAGES)}; "
            "a rack is made of Debian's programs"
        )
