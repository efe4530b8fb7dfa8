"""libvirt for a lab by itself: in namespaces of its own, with folders of its own, where no systemd starts it.

The machine's network, its libvirt and its ``/etc`` are left alone: the program runs itself anew below ``unshare``, with
a network without an uplink, with its own view of the folders that libvirt uses, and with process ids of its own, so
that every daemon and virtual machine ends with it.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from okube.model.errors import OkubeError

__all__ = ["QEMU_CONF", "NoEmulation", "libvirt", "namespaces_command", "separate"]

QEMU_CONF = """user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
"""
"""libvirt's settings for QEMU where there is no systemd, no udev and no cgroups to hand."""

_FIRST = (sys.executable, "-m", "vagrant.reaper")
_OWN = ("etc/libvirt", "var/lib/libvirt", "var/log/libvirt", "var/cache/libvirt")
_SOCKET = Path("/run/libvirt/libvirt-sock")
_START_S = 60
_POLL_S = 0.2


class NoEmulation(OkubeError):
    """Virtual machines cannot be made here."""

    kind = "no-emulation"


def namespaces_command(command: Sequence[str]) -> list[str]:
    """The command that runs another one apart from this machine; all that it starts ends with it."""
    return [
        "unshare",
        "--net",
        "--mount",
        "--propagation=private",
        "--pid",
        "--mount-proc",
        "--fork",
        "--kill-child=KILL",
        *_FIRST,
        *command,
    ]


def separate(folder: Path) -> None:
    """Within the namespaces: a network that works by itself, and libvirt's folders below ``folder``.

    Raises:
        NoEmulation: this may not be done here; root may.
    """
    _run("ip", "link", "set", "lo", "up")
    _run("mount", "-t", "sysfs", "sysfs", "/sys")  # which shows the network cards of this namespace
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for path in _OWN:
        mine = folder / path
        mine.mkdir(parents=True, exist_ok=True)
        Path("/", path).mkdir(parents=True, exist_ok=True)
        if path == "etc/libvirt":
            shutil.copytree(Path("/", path), mine, dirs_exist_ok=True)
            (mine / "qemu.conf").write_text(QEMU_CONF)
            shutil.rmtree(mine / "qemu", ignore_errors=True)  # networks and machines that others have defined
        _run("mount", "--bind", str(mine), f"/{path}")
    for path in ("/run/libvirt", "/run/lock", "/var/lib/libvirt/images"):
        Path(path).mkdir(parents=True, exist_ok=True)


@contextmanager
def libvirt(folder: Path) -> Iterator[None]:
    """Both virtlogd and libvirtd, as long as they are needed; what they say is in ``folder``.

    Raises:
        NoEmulation: they do not start.
    """
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        for name in ("virtlogd", "libvirtd"):
            with (folder / f"{name}.log").open("wb") as log:
                daemons.append(
                    subprocess.Popen([f"/usr/sbin/{name}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                )
        _wait_for_socket(daemons[-1], folder / "libvirtd.log")
        yield
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait()


def _wait_for_socket(daemon: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while subprocess.run(["virsh", "-c", "qemu:///system", "version"], capture_output=True, check=False).returncode:
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise NoEmulation(f"libvirtd does not answer at {_SOCKET}; it says: {log.read_text()[-2000:]}")
        time.sleep(_POLL_S)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoEmulation(f"'{' '.join(words)}' is refused here: {done.stderr.strip()}")


def interpreter() -> list[str]:
    """This very program, to be run anew."""
    return [sys.executable, "-m", "vagrant"]


def is_root() -> bool:
    """Whether namespaces may be made."""
    return os.geteuid() == 0
