"""The distribution's packages, on Debian and Ubuntu as root."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from okube.model.errors import OkubeError

__all__ = ["ENGINE_PACKAGES", "InstallFailed", "can_install", "install_packages"]

ENGINE_PACKAGES = ("docker.io", "iproute2", "iptables", "busybox-static")
_OS_RELEASE = Path("/etc/os-release")
_TAIL_LINES = 5


class InstallFailed(OkubeError):
    """The package manager refused."""

    kind = "install-failed"


def can_install(os_release: Path = _OS_RELEASE) -> bool:
    """Whether packages can be installed: this is root, on Debian, Ubuntu or one of their kin."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    try:
        lines = os_release.read_text().splitlines()
    except OSError:
        return False
    names = " ".join(line.partition("=")[2].strip('"') for line in lines if line.startswith(("ID=", "ID_LIKE=")))
    return bool({"debian", "ubuntu"} & set(names.split()))


def install_packages(packages: Sequence[str]) -> None:
    """Install packages from the lists that are there, and only if that fails from fresh ones.

    Raises:
        InstallFailed: it cannot be done, with the package manager's last lines.
    """
    if _apt("install", "-y", "--no-install-recommends", *packages) is None:
        return
    _apt("update")
    problem = _apt("install", "-y", "--no-install-recommends", *packages)
    if problem is not None:
        raise InstallFailed(f"apt-get cannot install {', '.join(packages)}: {problem}")


def _apt(*arguments: str) -> str | None:
    """None for success, else its last lines."""
    done = subprocess.run(
        ["apt-get", "-qq", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        check=False,
    )
    if done.returncode == 0:
        return None
    return " / ".join(done.stdout.decode("utf-8", "replace").splitlines()[-_TAIL_LINES:])
