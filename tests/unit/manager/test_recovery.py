import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from okube.manager import recovery
from okube.manager.recovery import Recovery, finish_recovery, recover
from okube.manager.settings import ManagerMember, ManagerSettings
from okube.model.epoch import Epoch
from okube.raft import Member, RaftNode
from okube.raft.journal import Command
from okube.raft.storage import Storage, open_storage
from okube.seams.clock import SystemClock
from okube.seams.disk import FileDisk
from okube.security.seed import ProcessIdentity, read_process_identity, write_process_identity
from okube.state import StateMachine
from tests.builders import Cluster, a_spec

NAMES = ("m1", "m2", "m3")
MEMBERS = [Member(name, f"{name}-i", f"{name}:1", f"{name}:2") for name in NAMES]
ORDER = Recovery("admin", ("m2", "m3"))


class Survivor:
    """``m1`` of three, with a log of which not all is known to be committed."""

    def __init__(self, directory: Path) -> None:
        self.settings = ManagerSettings(
            cluster="lab",
            cluster_id="c1",
            name="m1",
            instance="m1-i",
            directory=directory,
            host="127.0.0.1",
            port=1,
            raft_port=2,
            members=tuple(ManagerMember(m.name, m.instance, m.raft_address, m.api_address) for m in MEMBERS),
            admin_token_sha256="0" * 64,
        )
        write_process_identity(directory / "identity.json", ProcessIdentity("manager", "c1", "m1", "m1-i"))
        self.state = Cluster()
        self.state.epoch = Epoch(1, 3)
        self.state.node("w1")
        self.state.put(a_spec(replicas=2))
        self.state.plan()
        self._run(self._write)

    async def _write(self, disk: FileDisk) -> None:
        raft = self.settings.directory / "raft"
        await RaftNode.bootstrap(raft, disk, MEMBERS, "c1")
        storage = await open_storage(raft, disk)
        storage.journal.setCurrentTerm(5, "m2")
        for index, payload in enumerate(self.state.log, start=2):
            storage.journal.add(bytes([Command.REGULAR]) + payload, index, 3)
        await storage.journal.sync()
        await storage.journal.close()

    def _run(self, work: Callable[[FileDisk], object]) -> None:
        async def run() -> None:
            disk = FileDisk()
            try:
                await work(disk)  # type: ignore[misc]
            finally:
                await disk.close()

        asyncio.run(run())

    def recover(self) -> None:
        self._run(lambda disk: recover(self.settings, ORDER, disk=disk, clock=SystemClock(), rng=random.Random(1)))

    def opened(self) -> tuple[Storage, StateMachine]:
        found: list[Storage] = []

        async def read(disk: FileDisk) -> None:
            found.append(await open_storage(self.settings.directory / "raft", disk))
            await found[0].journal.close()

        self._run(read)
        machine = StateMachine()
        assert found[0].snapshot is not None
        machine.restore(found[0].snapshot.state)
        return found[0], machine

    def check_alone(self, settings: ManagerSettings) -> None:
        storage, machine = self.opened()
        assert machine.tables.tasks == self.state.tables.tasks
        assert [m.name for m in storage.journal.members] == ["m1"]
        assert settings.instance == storage.journal.members[0].instance != "m1-i"
        assert read_process_identity(settings.directory / "identity.json").instance == settings.instance
        assert [(m.name, m.instance) for m in settings.members] == [("m1", settings.instance)]


@pytest.fixture
def survivor(tmp_path: Path) -> Survivor:
    return Survivor(tmp_path)


def test_it_goes_on_with_its_whole_log_alone_in_a_higher_incarnation(survivor: Survivor) -> None:
    survivor.recover()
    survivor.check_alone(finish_recovery(survivor.settings))
    storage, machine = survivor.opened()
    assert machine.tables.epoch == Epoch(2, 0)
    assert storage.journal.getCurrentTerm() >= 5
    assert storage.journal.last_index > len(survivor.state.log) + 10**6
    event = machine.tables.events.rows()[-1]
    assert (event.kind, event.by) == ("cluster-recovered", "admin")
    assert "without m2, m3" in event.message


def test_what_was_there_is_kept(survivor: Survivor) -> None:
    survivor.recover()
    finish_recovery(survivor.settings)
    (before,) = survivor.settings.directory.glob("raft-before-*")
    assert (before / "journal").exists()


def test_until_the_new_folder_is_whole_nothing_has_happened(
    survivor: Survivor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(recovery, "write_process_identity", fail)
        with pytest.raises(OSError, match="power"):
            survivor.recover()
    assert finish_recovery(survivor.settings) is survivor.settings
    survivor.recover()
    survivor.check_alone(finish_recovery(survivor.settings))


@pytest.mark.parametrize("steps", range(3))
def test_once_it_is_whole_the_last_steps_are_taken_wherever_they_were_cut_off(
    survivor: Survivor, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    survivor.recover()
    taken = 0

    def cut(true: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object) -> object:
            nonlocal taken
            if taken == steps:
                raise OSError("the power went")
            taken += 1
            return true(*args)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", cut(Path.rename))
        patch.setattr(recovery, "write_process_identity", cut(write_process_identity))
        with pytest.raises(OSError, match="power"):
            finish_recovery(survivor.settings)
    half = read_process_identity(survivor.settings.directory / "identity.json").instance
    survivor.check_alone(finish_recovery(msgspec.structs.replace(survivor.settings, instance=half)))
