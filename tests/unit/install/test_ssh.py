"""A machine over SSH: a server on this one, and each way in which it does not let us in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from okube.install.hostkeys import remember
from okube.install.inventory import Access
from okube.install.remote import CommandFailed, MachineUnreachable
from okube.install.ssh import connect

KEYS = {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("host", "other", "ours", "stranger")}


class Machine:
    """What the server does: runs commands, or answers for ``id`` and ``sudo`` as it is told."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder

    def access(self, *, key: str = "ours", user: str = "root") -> Access:
        path = self.folder / key
        KEYS[key].write_private_key(str(path))
        path.chmod(0o600)
        return Access(
            host="127.0.0.1", port=self.port, user=user, identity_file=path, known_hosts=self.folder / "known_hosts"
        )

    def is_known(self, key: str = "host") -> None:
        kind, text = KEYS[key].export_public_key("openssh").decode().split()[:2]
        remember(self.folder / "known_hosts", "127.0.0.1", self.port, (kind, text))


@asynccontextmanager
async def a_machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """A server that lets ``ours`` in; the sudo of ``guest`` asks for a password, that of ``ops`` does not."""

    async def handle(process: "asyncssh.SSHServerProcess[bytes]") -> None:
        command, user = process.command or "", process.get_extra_info("username")
        if command == "id -u":
            process.stdout.write(b"0\n" if user == "root" else b"1000\n")
            process.exit(0)
        elif command.startswith("sudo") and user == "guest":
            process.stderr.write(b"sudo: a password is required\n")
            process.exit(1)
        elif command.endswith("hang up"):
            process.get_extra_info("connection").abort()
        else:
            command = command.removeprefix("sudo -n -- ")
            child = await asyncio.create_subprocess_exec(
                "sh",
                "-c",
                command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await child.communicate(await process.stdin.read())
            process.stdout.write(out)
            process.stderr.write(err)
            process.exit(child.returncode or 0)

    (tmp_path / "authorized_keys").write_bytes(KEYS["ours"].export_public_key("openssh"))
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[KEYS["host"]],
        authorized_client_keys=str(tmp_path / "authorized_keys"),
        process_factory=handle,
        encoding=None,
    )
    try:
        yield Machine(server.get_port(), tmp_path)
    finally:
        server.close()
        await server.wait_closed()


async def refused(access: Access, *, accept_new: bool = False) -> str:
    with pytest.raises(MachineUnreachable) as caught:
        await connect(access, accept_new=accept_new)
    return str(caught.value)


async def test_commands_run_with_their_words_as_they_are_and_stdin(tmp_path: Path) -> None:
    async with a_machine(tmp_path) as machine:
        machine.is_known()
        remote = await connect(machine.access())
        done = await remote.run(("sh", "-c", 'cat; printf %s "$1" >&2; exit 3', "sh", "a 'b' $c"), b"\0in")
        assert (done.status, done.out, done.err) == (3, b"\0in", b"a 'b' $c")
        with pytest.raises(CommandFailed, match=r"trying it failed \(exit status 3\): a 'b' \$c"):
            done.require("trying it")
        await remote.close()


async def test_a_file_is_put_there_whole_with_its_mode(tmp_path: Path) -> None:
    async with a_machine(tmp_path) as machine:
        machine.is_known()
        remote = await connect(machine.access())
        await remote.put(f"{tmp_path}/a file", b"\0content", 0o640)
        await remote.close()
    assert (tmp_path / "a file").read_bytes() == b"\0content"
    assert (tmp_path / "a file").stat().st_mode & 0o777 == 0o640


async def test_a_host_that_was_never_met_is_refused_with_how_to_believe_it(tmp_path: Path) -> None:
    async with a_machine(tmp_path) as machine:
        said = await refused(machine.access())
        assert KEYS["host"].get_fingerprint() in said
        assert "--accept-new-host-keys" in said
        remote = await connect(machine.access(), accept_new=True)
        await remote.close()
        remote = await connect(machine.access())
        await remote.close()


async def test_a_host_that_shows_another_key_is_refused_though_new_ones_are_believed(tmp_path: Path) -> None:
    async with a_machine(tmp_path) as machine:
        machine.is_known("other")
        said = await refused(machine.access(), accept_new=True)
        assert "shows another host key" in said
        assert f"ssh-keygen -R '[127.0.0.1]:{machine.port}'" in said


async def test_a_key_that_the_machine_does_not_take_is_told(tmp_path: Path) -> None:
    async with a_machine(tmp_path) as machine:
        machine.is_known()
        said = await refused(machine.access(key="stranger"))
        assert "does not let us in with the key" in said
        assert "authorized_keys" in said


async def test_a_key_with_a_passphrase_is_told(tmp_path: Path) -> None:
    async with a_machine(tmp_path) as machine:
        machine.is_known()
        access = machine.access()
        assert access.identity_file is not None
        access.identity_file.write_bytes(KEYS["ours"].export_private_key("pkcs8-pem", passphrase="word"))
        assert "ssh-add" in await refused(access)


async def test_a_key_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with a_machine(tmp_path) as machine:
        machine.is_known()
        access = machine.access()
        assert access.identity_file is not None
        access.identity_file.unlink()
        assert "cannot be used" in await refused(access)


async def test_who_is_not_root_and_may_not_become_it_is_told(tmp_path: Path) -> None:
    async with a_machine(tmp_path) as machine:
        machine.is_known()
        said = await refused(machine.access(user="guest"))
        assert "guest is not root on 127.0.0.1" in said
        assert "a password is required" in said
        assert "NOPASSWD" in said


async def test_who_is_not_root_and_may_become_it_does(tmp_path: Path) -> None:
    async with a_machine(tmp_path) as machine:
        machine.is_known()
        remote = await connect(machine.access(user="ops"))
        assert (await remote.run(("echo", "yes"))).out == b"yes\n"
        await remote.close()


async def test_a_connection_that_dies_in_the_middle_is_told_in_a_sentence(tmp_path: Path) -> None:
    async with a_machine(tmp_path) as machine:
        machine.is_known()
        remote = await connect(machine.access())
        with pytest.raises(MachineUnreachable, match="the connection was lost in the middle"):
            await remote.run(("hang", "up"))
        await remote.close()


async def test_a_machine_that_is_off_is_told(tmp_path: Path) -> None:
    async with a_machine(tmp_path) as machine:
        access = machine.access()
    said = await refused(access)
    assert "is the machine on, and does SSH listen there?" in said
