"""Which host keys are known, and how a new one becomes known: ``~/.ssh/known_hosts``, as ssh itself keeps it."""

import os
from pathlib import Path
from typing import Literal

import asyncssh

from okube.model.errors import BadFile

__all__ = ["HostKey", "remember", "verdict"]

HostKey = tuple[str, str]
"""The kind of a key and itself, in base64."""

Verdict = Literal["known", "new", "other"]


def verdict(known_hosts: Path, host: str, port: int, key: HostKey) -> Verdict:
    """Whether a host may show this key: it is known, or nothing is known of the host, or another key is.

    Raises:
        BadFile: the file cannot be read.
    """
    if not known_hosts.exists():
        return "new"
    try:
        hosts = asyncssh.read_known_hosts(str(known_hosts))
    except (OSError, ValueError) as error:
        raise BadFile(f"{known_hosts} cannot be read: {error}.") from error
    keys, authorities, revoked, *_ = hosts.match(host, "", port)
    known = [_plain(each) for each in keys]
    if key in (_plain(each) for each in revoked):
        return "other"
    if authorities or key in known:
        return "known"
    return "other" if known else "new"


def remember(known_hosts: Path, host: str, port: int, key: HostKey) -> None:
    """Add a key; the file is made where there is none."""
    known_hosts.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = host if port == asyncssh.DEFAULT_PORT else f"[{host}]:{port}"
    descriptor = os.open(known_hosts, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "rb+") as file:
        size = file.seek(0, os.SEEK_END)
        begin = b""
        if size:
            file.seek(-1, os.SEEK_END)
            begin = b"" if file.read(1) == b"\n" else b"\n"
        file.write(begin + f"{name} {key[0]} {key[1]}\n".encode())


def _plain(key: asyncssh.SSHKey) -> HostKey:
    kind, text = key.export_public_key("openssh").decode().split()[:2]
    return kind, text
