"""A machine over SSH. Imports ``asyncssh``, which takes its time to load: only for those that connect."""

import asyncio
import shlex
from collections.abc import Callable, Sequence
from typing import Any

import asyncssh

from okube.install.hostkeys import remember, verdict
from okube.install.inventory import Access
from okube.install.remote import USUAL_S, MachineUnreachable, Remote, Result

__all__ = ["SshRemote", "connect"]

_CONNECT_S = 15.0
_LOGIN_S = 30.0
_KEEPALIVE_S = 5.0
_KEEPALIVES = 6
_SUDO = ("sudo", "-n", "--")
_ASKS = "sudo needs a password"


class SshRemote(Remote):
    """Commands over one connection, several at a time.

    Args:
        connection: is logged in.
        where: what errors call it.
        before: words that stand before every command: sudo, where it is needed.
    """

    def __init__(self, connection: asyncssh.SSHClientConnection, where: str, before: Sequence[str]) -> None:
        self._connection = connection
        self._where = where
        self._before = tuple(before)

    async def run(self, words: Sequence[str], stdin: bytes = b"", *, timeout_s: float = USUAL_S) -> Result:
        """As ``Remote`` has it."""
        command = shlex.join((*self._before, *words))
        try:
            async with asyncio.timeout(timeout_s):
                # Without anything to read its stdin is closed at once: an empty input would be left open.
                given: dict[str, Any] = {"input": stdin} if stdin else {"stdin": asyncssh.DEVNULL}
                done = await self._connection.run(command, encoding=None, check=False, **given)
        except TimeoutError:
            raise MachineUnreachable(f"{self._where}: {words[0]} did not end within {timeout_s:g} s") from None
        except (asyncssh.Error, OSError) as error:
            raise self._lost(error) from error
        if done.exit_status is None or done.exit_status < 0:  # nobody told: the connection or the command was killed
            raise self._lost(done.exit_signal)
        return Result(done.exit_status, _bytes(done.stdout), _bytes(done.stderr))

    async def close(self) -> None:
        """End the connection."""
        self._connection.close()
        await self._connection.wait_closed()

    def _lost(self, why: object) -> MachineUnreachable:
        said = f" ({why})" if why else ""
        return MachineUnreachable(
            f"{self._where}: the connection was lost in the middle{said}: run it again when the machine answers, it "
            "goes on where it was"
        )


async def connect(access: Access, *, accept_new: bool = False, say: Callable[[str], None] = lambda _: None) -> Remote:
    """Log in, and make sure that commands run as root.

    Args:
        access: where, and as whom.
        accept_new: remember the key of a host that was never met; one that shows another key than it had is refused
            nevertheless.
        say: told what was remembered.

    Raises:
        MachineUnreachable: it does not answer, shows a wrong key, or does not let us in.
    """
    try:
        connection = await _log_in(access)
    except asyncssh.HostKeyNotVerifiable:
        await _see_to_host_key(access, accept_new=accept_new, say=say)
        connection = await _log_in(access)
    try:
        return SshRemote(connection, access.where, await _before(connection, access))
    except BaseException:
        connection.abort()
        raise


async def _log_in(access: Access) -> asyncssh.SSHClientConnection:
    """The connection; HostKeyNotVerifiable goes on, for that can be mended."""
    try:
        return await asyncssh.connect(
            access.host,
            access.port,
            username=access.user,
            known_hosts=str(access.known_hosts) if access.known_hosts.exists() else b"",
            connect_timeout=_CONNECT_S,
            login_timeout=_LOGIN_S,
            keepalive_interval=_KEEPALIVE_S,
            keepalive_count_max=_KEEPALIVES,
            **_keys(access),
        )
    except asyncssh.HostKeyNotVerifiable:
        raise
    except (asyncssh.Error, OSError, ValueError) as error:
        raise MachineUnreachable(_why(access, error)) from error


def _keys(access: Access) -> dict[str, Any]:
    return {} if access.identity_file is None else {"client_keys": [str(access.identity_file)]}


async def _see_to_host_key(access: Access, *, accept_new: bool, say: Callable[[str], None]) -> None:
    """Why the host's key was not believed, or that it is from now on."""
    try:
        key = await asyncio.wait_for(asyncssh.get_server_host_key(access.host, access.port), _CONNECT_S)
    except (asyncssh.Error, OSError) as error:
        raise MachineUnreachable(_why(access, error)) from error
    if key is None:
        raise MachineUnreachable(f"{access.where} shows no host key that could be compared")
    public = key.export_public_key("openssh").decode().split()
    told = verdict(access.known_hosts, access.host, access.port, (public[0], public[1]))
    fingerprint = key.get_fingerprint()
    if told != "new":
        raise MachineUnreachable(
            f"{access.where} shows another host key than {access.known_hosts} has ({fingerprint}): if the machine was "
            f"set up anew, take the old one out with 'ssh-keygen -R {_known_as(access)}'; else somebody is in between"
        )
    if not accept_new:
        raise MachineUnreachable(
            f"{access.where} is not in {access.known_hosts} (it shows {fingerprint}): compare that with the machine's "
            "own, and run it again with --accept-new-host-keys"
        )
    remember(access.known_hosts, access.host, access.port, (public[0], public[1]))
    say(f"{access.host} was met for the first time: its host key is {fingerprint}")


def _known_as(access: Access) -> str:
    return access.host if access.port == asyncssh.DEFAULT_PORT else f"'[{access.host}]:{access.port}'"


async def _before(connection: asyncssh.SSHClientConnection, access: Access) -> tuple[str, ...]:
    """The words before each command: none for root, sudo for others, where it works without a password."""
    plain = SshRemote(connection, access.where, ())
    who = await plain.run(("id", "-u"))
    if who.status != 0:
        raise MachineUnreachable(f"{access.where} lets us in and runs no commands: {_text(who)}")
    if access.sudo == "never" or (access.sudo == "auto" and who.out.strip() == b"0"):
        return ()
    tried = await plain.run((*_SUDO, "true"))
    if tried.status != 0:
        raise MachineUnreachable(
            f"{access.user} is not root on {access.host}, and may not become it with sudo: {_text(tried) or _ASKS}. "
            f"Allow it there ('{access.user} ALL=(ALL) NOPASSWD: ALL' in /etc/sudoers.d/okube), or name another user"
        )
    return _SUDO


def _why(access: Access, error: Exception) -> str:
    if isinstance(error, asyncssh.PermissionDenied):
        with_what = f"the key {access.identity_file}" if access.identity_file else "the agent's keys and the usual ones"
        return (
            f"{access.where} does not let us in with {with_what}: put the public key into {access.user}'s "
            "~/.ssh/authorized_keys there, or name user and identity_file under 'ssh' in cluster.yaml"
        )
    is_locked = isinstance(error, asyncssh.KeyEncryptionError) or "encrypt" in str(error)
    if isinstance(error, asyncssh.KeyImportError | asyncssh.KeyEncryptionError) and is_locked:
        return (
            f"the key {access.identity_file} asks for a passphrase: load it into an agent with ssh-add, and leave "
            "identity_file out of cluster.yaml"
        )
    if isinstance(error, asyncssh.KeyImportError | FileNotFoundError) and access.identity_file is not None:
        return f"the key {access.identity_file} cannot be used: {error}"
    if isinstance(error, TimeoutError):
        return f"{access.where} does not answer within {_CONNECT_S:g} s: is the machine on, and reached from here?"
    said = getattr(error, "reason", "") or getattr(error, "strerror", "") or str(error) or type(error).__name__
    return f"{access.where} is not reached ({said}): is the machine on, and does SSH listen there?"


def _text(result: Result) -> str:
    return (result.err or result.out).decode("utf-8", "replace").strip().replace("\n", " ")


def _bytes(found: bytes | str | None) -> bytes:
    return found.encode() if isinstance(found, str) else found or b""
