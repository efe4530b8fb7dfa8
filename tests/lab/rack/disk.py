"""What a fresh host has on its disk: its own /etc, /var, /opt and homes, beside the programs of this machine.

A host's root is a folder; /usr, /etc and the list of installed packages are overlays, whose upper layers are made here:
what is written there covers this machine's files, and a whiteout hides them.
"""

import os
import shutil
import stat
import uuid
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tests.lab.rack.keys import Key

__all__ = ["Disk", "prepare"]

_FOLDERS = {
    **dict.fromkeys(
        ("usr", "etc", "var/lib/dpkg", "opt", "srv", "home", "mnt", "media", "run", "proc", "sys", "dev"), 0o755
    ),
    **dict.fromkeys(("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log", "var/spool"), 0o755),
    **{"root": 0o700, "tmp": 0o1777, "var/tmp": 0o1777},
}
#: Of this machine, and no part of a bare one.
_OWN = ("etc/ssh", "etc/docker", "etc/systemd/system", "etc/okube", "etc/cron.d", "usr/local")
_ENGINE = (
    *("usr/sbin/dockerd", "usr/bin/docker", "usr/bin/docker-init", "usr/bin/docker-proxy", "usr/sbin/docker-proxy"),
    *("usr/bin/containerd", "usr/bin/containerd-shim", "usr/bin/containerd-shim-runc-v1", "usr/bin/ctr"),
    *("usr/bin/containerd-shim-runc-v2", "usr/sbin/runc", "usr/bin/runc", "usr/libexec/docker"),
    *("usr/lib/systemd/system/docker.service", "usr/lib/systemd/system/docker.socket"),
    *("usr/lib/systemd/system/containerd.service",),
)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LABINIT = Path(__file__).parent / "labinit"
_PROGRAM = '#!/bin/sh\nPYTHONPATH=/usr/local/lib/lab exec /usr/bin/python3 -s -m labinit{verb} "$@"\n'
_SSHD = """Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PidFile none
MaxStartups 100
MaxSessions 100
Subsystem sftp /usr/lib/openssh/sftp-server
"""
_DOCKER = """[Unit]
Description=Docker Engine

[Service]
Type=notify
ExecStart=/usr/sbin/dockerd -H unix:///run/docker.sock --shutdown-timeout 2
KillMode=process
Restart=on-failure
StartLimitBurst=3
StartLimitInterval=60s
Delegate=yes
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
"""
#: Who may log in beside root: with sudo that asks no password, and without sudo.
_USERS = {"ops": 1000, "guest": 1001}


class Disk(msgspec.Struct, frozen=True):
    """Where the parts of a host's disk are on this machine."""

    folder: Path

    @property
    def root(self) -> Path:
        """All but /usr, /etc and the list of packages."""
        return self.folder / "disk"

    def upper(self, path: str) -> Path:
        """Where a file of /usr or /etc is put before the host starts."""
        return self.folder / "upper" / path


def prepare(
    folder: Path, *, name: str, address: str, host_key: Key, operator: str, engine: bool, systemd: bool
) -> Disk:
    """Make the disk of a host that was never started; ``operator`` is the public key that may log in."""
    disk = Disk(folder)
    for path, mode in _FOLDERS.items():
        (disk.root / path).mkdir(parents=True, exist_ok=True)
        (disk.root / path).chmod(mode)
    for link in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if Path("/", link).is_symlink():
            (disk.root / link).symlink_to(os.readlink(f"/{link}"))
    for part in ("usr", "etc", "var/lib/dpkg"):
        disk.upper(part).mkdir(parents=True)
        (folder / "work" / part).mkdir(parents=True)
    for own in _OWN:
        disk.upper(own).mkdir(parents=True)
        os.setxattr(disk.upper(own), "trusted.overlay.opaque", b"y")
    (disk.root / "var/run").symlink_to("/run")
    _write(disk.upper("etc/hostname"), f"{name}\n")
    _write(disk.upper("etc/hosts"), f"127.0.0.1 localhost\n{address} {name}\n")
    _write(disk.upper("etc/machine-id"), f"{uuid.uuid4().hex}\n", 0o444)
    _write(disk.upper("etc/resolv.conf"), "")
    _write(disk.upper("etc/environment"), f'PATH="{_PATH}"\n')
    _users(disk, operator)
    _write(disk.upper("etc/ssh/sshd_config"), _SSHD)
    _write(disk.upper("etc/ssh/ssh_host_ed25519_key"), host_key.private, 0o600)
    _enable(disk, "ssh.service", "/usr/lib/systemd/system/ssh.service")
    if engine:
        _write(disk.upper("etc/systemd/system/docker.service"), _DOCKER)
        _enable(disk, "docker.service", "/etc/systemd/system/docker.service")
    else:
        _hide(disk, _ENGINE)
    _supervisor(disk, systemd=systemd)
    return disk


def _users(disk: Disk, operator: str) -> None:
    """The system's users of this machine, nobody else's, and those who may log in."""
    passwd = [line for line in Path("/etc/passwd").read_text().splitlines() if _is_of_the_system(line)]
    group = [line for line in Path("/etc/group").read_text().splitlines() if _is_of_the_system(line)]
    for user, number in _USERS.items():
        passwd.append(f"{user}:x:{number}:{number}::/home/{user}:/bin/bash")
        group.append(f"{user}:x:{number}:")
    _write(disk.upper("etc/passwd"), "\n".join(passwd) + "\n")
    _write(disk.upper("etc/group"), "\n".join(group) + "\n")
    names = [line.split(":")[0] for line in passwd]
    _write(disk.upper("etc/shadow"), "".join(f"{name}:*:19000:0:99999:7:::\n" for name in names), 0o640)
    _write(disk.upper("etc/gshadow"), "".join(f"{line.split(':')[0]}:*::\n" for line in group), 0o640)
    _write(disk.upper("etc/sudoers.d/ops"), "ops ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440)
    for user, number in {"root": 0, **_USERS}.items():
        home = disk.root / ("root" if user == "root" else f"home/{user}")
        (home / ".ssh").mkdir(parents=True, mode=0o700)
        _write(home / ".ssh/authorized_keys", f"{operator}\n", 0o600)
        for path in (home, home / ".ssh", home / ".ssh/authorized_keys"):
            os.chown(path, number, number)


def _is_of_the_system(line: str) -> bool:
    return int(line.split(":")[2]) < 1000 or line.startswith(("nobody:", "nogroup:"))


def _supervisor(disk: Disk, *, systemd: bool) -> None:
    shutil.copytree(
        _LABINIT,
        disk.upper("usr/local/lib/lab/labinit"),
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    for folder in ("bin", "sbin", "share", "etc"):
        disk.upper(f"usr/local/{folder}").mkdir(exist_ok=True)
    programs = {"systemctl": "", "journalctl": " logs"} if systemd else {"okube-lab-init": ""}
    for program, verb in programs.items():
        _write(disk.upper(f"usr/local/bin/{program}"), _PROGRAM.format(verb=verb), 0o755)


def _enable(disk: Disk, unit: str, path: str) -> None:
    wants = disk.upper("etc/systemd/system/multi-user.target.wants")
    wants.mkdir(exist_ok=True)
    (wants / unit).symlink_to(path)


def _hide(disk: Disk, paths: Iterable[str]) -> None:
    """Whiteouts, as the overlay has them: what lies below is not there."""
    for path in paths:
        if Path("/", path).exists():
            disk.upper(path).parent.mkdir(parents=True, exist_ok=True)
            os.mknod(disk.upper(path), stat.S_IFCHR, 0)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
