"""Okube is taken off a machine in an order that may be stopped anywhere, and nothing else is touched."""

from collections.abc import Sequence

import msgspec
import pytest

from okube.install.facts import Facts, Path
from okube.install.layout import LAYOUT
from okube.install.remote import CommandFailed, MachineUnreachable, Remote, Result
from okube.install.uninstall import uninstall

UNITS = ("okube-manager-m1.service", "okube-worker-w1.service")
PLACES = (
    LAYOUT.data,
    LAYOUT.settings / "started",
    LAYOUT.cluster_file,
    LAYOUT.command,
    LAYOUT.current,
    LAYOUT.software,
)


class Host(Remote):
    """A machine with a manager, a worker and a unit that is not Okube's; ``left`` commands before it dies."""

    def __init__(self, *, down_fails: bool = False, left: int | None = None) -> None:
        self.places = {str(path) for path in PLACES}
        self.units = {*UNITS, "okube-x.service", "ssh.service"}
        self.users = {"okube"}
        self.running = set(UNITS)
        self.containers = 2
        self.down_fails = down_fails
        self.left = left

    async def run(self, words: Sequence[str], stdin: bytes = b"", *, timeout_s: float = 60) -> Result:
        """What a machine would do."""
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise MachineUnreachable("the connection was lost")
        if words[0] == "python3":
            facts = Facts(
                init="systemd",
                users=tuple(self.users),
                files={path: Path("folder") for path in self.places},
                entries={str(LAYOUT.units): tuple(sorted(self.units))},
            )
            return Result(0, b"okube-answer:" + msgspec.json.encode(facts) + b"\n")
        if words[0] == "systemctl" and "stop" in words:
            self.running -= set(words)
        if words[0] == str(LAYOUT.current / "bin/okube"):
            return self._down()
        if words[0] == "rm":
            self.places -= set(words)
            self.units -= {word.rpartition("/")[2] for word in words if word.endswith(".service")}
        if words[0] == "sh" and "userdel" in words[2]:
            self.users.clear()
        return Result(0)

    async def close(self) -> None:
        """Nothing to end."""

    def _down(self) -> Result:
        if self.down_fails:
            return Result(1, b"", b"The containers of w1 may still run: Docker does not answer.")
        self.containers = 0
        return Result(0, b"w1         2 containers removed\n")

    @property
    def is_rid(self) -> bool:
        return self.units == {"okube-x.service", "ssh.service"} and not self.running and not self.containers


async def test_processes_containers_units_and_software_go_and_the_data_stays() -> None:
    host = Host()
    done = await uninstall(host, purge=False)
    assert host.is_rid
    assert host.places == {str(path) for path in PLACES[:3]}
    assert host.users == {"okube"}
    assert "2 processes ended" in done.words


async def test_the_data_goes_where_it_is_purged_and_the_keys_are_never_named() -> None:
    host = Host()
    done = await uninstall(host, purge=True)
    assert (host.is_rid, host.places, host.users) == (True, set(), set())
    assert not any(str(LAYOUT.keys) in word for word in done.words)


async def test_where_containers_cannot_be_removed_software_and_data_stay() -> None:
    host = Host(down_fails=True)
    with pytest.raises(CommandFailed, match="Docker does not answer"):
        await uninstall(host, purge=True)
    assert host.places == {str(path) for path in PLACES}
    host.down_fails = False
    await uninstall(host, purge=True)
    assert host.is_rid


async def test_a_machine_without_okube_has_nothing_to_lose() -> None:
    host = Host()
    await uninstall(host, purge=True)
    assert (await uninstall(host, purge=True)).words == ()


async def test_cut_off_anywhere_the_next_run_ends_it() -> None:
    for left in range(20):
        host = Host(left=left)
        try:
            await uninstall(host, purge=True)
        except MachineUnreachable:
            host.left = None
            await uninstall(host, purge=True)
        assert host.is_rid, left
        assert host.places == set(), left
