import asyncio
import http.server
import os
import random
import shutil
import socket
import threading
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from okube.config import ClusterConfig
from okube.manager.authorities import kept_ca
from okube.manager.snapshots import Taken
from okube.manager.vault import Vault
from okube.model import commands as c
from okube.model.archive import KeptAuthority, read_head
from okube.model.authority import Authorities
from okube.model.epoch import Epoch
from okube.model.errors import BadFile, Conflict
from okube.model.versions import COMMAND_VERSION
from okube.processes.initial import make_cluster
from okube.processes.lock import write_pid
from okube.processes.places import restoring_file
from okube.processes.restore import plan_restore, restore_cluster
from okube.processes.seed import sow
from okube.processes.settings import authority_files, key_folder
from okube.processes.up import up
from okube.raft.storage import Storage, open_storage
from okube.seams.disk import FileDisk
from okube.security import ClusterFiles, client_context, server_context
from okube.security.ca import load_ca
from okube.security.keyfiles import KeyFiles
from okube.security.keyring import UnlockKey, new_ring, open_ring
from okube.security.private import write_private
from okube.security.seed import read_process_identity, read_seed
from okube.state import StateMachine
from tests.builders import Cluster, a_spec
from tests.unit.model.earlier_archive import with_authority
from tests.unit.processes.builders import a_cluster, bootstrap_to_file, free_ports
from tests.unit.security.dice import Dice


class Old:
    """A cluster that was, on this machine, and a snapshot of it."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.config: ClusterConfig = a_cluster(folder)
        self.files = ClusterFiles(self.config.data_dir)
        self.seed = sow(
            self.config, bootstrap=bootstrap_to_file, rng=random.Random(seed), now_ms=time.time_ns() // 1_000_000
        ).seed
        state = Cluster()
        tables = state.tables
        tables.put_settings(tables.settings.__class__(cluster="lab", cluster_id=self.seed.cluster_id))
        state.epoch = Epoch(1, 7)
        state.node("w1")
        self.agent_at = free_ports(1)[0]
        tables.put_node(replace(tables.nodes["w1"], address=f"127.0.0.1:{self.agent_at}"))
        state.put(a_spec(replicas=2))
        state.plan()
        self.state = state
        taken = Taken.of(state.machine, by="m2", why="saved", now_ms=state.now_ms, managers=["m1", "m2", "m3"])
        self.data = b"".join(asyncio.run(taken).file())
        self.ca_files = authority_files(self.config, self.seed.cluster_id)
        self.ca = KeptAuthority(self.ca_files.certificate.read_bytes(), self.ca_files.key.read_bytes())

    @property
    def path(self) -> Path:
        assert self.config.file is not None
        return self.config.file

    def lose(self) -> None:
        """This machine is a new one."""
        shutil.rmtree(self.config.data_dir)
        shutil.rmtree(self.ca_files.key_dir)

    def restore(self, data: bytes | None = None, **options: Path | int) -> list[str]:
        said: list[str] = []
        plan = plan_restore(self.path, self.data if data is None else data, **options)  # type: ignore[arg-type]
        restore_cluster(plan, said.append)
        return [*plan.says, *said]

    def opened(self, name: str) -> tuple[Storage, StateMachine]:
        async def read() -> Storage:
            disk = FileDisk()
            storage = await open_storage(self.files.process(name).raft, disk)
            await storage.journal.close()
            await disk.close()
            return storage

        storage, machine = asyncio.run(read()), StateMachine()
        assert storage.snapshot is not None
        machine.restore(storage.snapshot.state)
        return storage, machine


@pytest.fixture
def old(tmp_path: Path) -> Old:
    return Old(tmp_path)


def test_new_managers_begin_with_the_state_under_the_same_id_and_ca(old: Old) -> None:
    before = {m.name: m.instance for m in old.seed.members}
    old.restore()
    seed = read_seed(old.files.seed)
    assert (seed.cluster_id, seed.incarnation) == (old.seed.cluster_id, 2)
    assert old.ca_files.certificate.read_bytes() == old.ca.certificate
    digests = set()
    for member in seed.members:
        assert member.instance != before[member.name]
        assert read_process_identity(old.files.process(member.name).identity).instance == member.instance
        client_context(old.files.process(member.name).tls.root)
        storage, machine = old.opened(member.name)
        assert {m.instance for m in storage.journal.members} == {m.instance for m in seed.members}
        assert machine.tables.epoch == Epoch(2, 0)
        assert machine.tables.settings.command_version == COMMAND_VERSION, "an older manager could not read the event"
        assert machine.tables.tasks == old.state.tables.tasks
        assert machine.tables.nodes == old.state.tables.nodes
        digests.add(machine.tables.digest.hex())
    assert len(digests) == 1


def test_it_says_from_when_the_state_is_and_what_follows(old: Old) -> None:
    said = old.restore()
    assert "revision" in said[0]
    assert "1 service, 2 tasks, 1 node" in said[0]
    assert any("is lost" in line for line in said)
    assert any("m1, m2, m3 are put aside" in line for line in said)


def test_it_leaves_an_event_and_no_revision_is_used_twice(old: Old) -> None:
    old.restore()
    _, machine = old.opened("m1")
    event = machine.tables.events.rows()[-1]
    assert (event.kind, event.level) == ("cluster-restored", "warning")
    assert event.revision > old.state.tables.revision + 1000


def test_what_was_there_is_put_aside_and_workers_stay(old: Old) -> None:
    worker = read_process_identity(old.files.process("w1").identity)
    old.restore()
    (aside,) = old.config.data_dir.glob("replaced-*")
    assert sorted(path.name for path in aside.iterdir()) == ["cluster.json", "m1", "m2", "m3"]
    assert read_process_identity(old.files.process("w1").identity) == worker


def test_a_node_that_is_lost_is_forgotten_and_what_it_held_is_placed_anew(old: Old) -> None:
    plan = plan_restore(old.path, old.data, elsewhere=True)
    assert plan.nodes == {"w1": "i-w1"}
    restore_cluster(replace(plan, lost_nodes=("w1",)), lambda _: None)
    _, machine = old.opened("m1")
    assert machine.tables.nodes == {}
    assert {(task.state, task.reason) for task in machine.tables.tasks.values()} == {("failed", "node-lost")}


def test_only_workers_that_are_asked_for_get_folders_and_a_certificate_without_the_ca_s_file(old: Old) -> None:
    shutil.rmtree(old.files.process("w1").root)
    plan = plan_restore(old.path, old.data, elsewhere=True)
    old.ca_files.key.unlink()
    restore_cluster(replace(plan, new_workers=()), lambda _: None)
    assert not old.files.process("w1").root.exists()
    restore_cluster(replace(plan, new_workers=("w1",), aside=plan.aside.with_name("replaced-again")), lambda _: None)
    client_context(old.files.process("w1").tls.root)


def test_a_second_restore_of_the_same_snapshot_begins_beyond_the_first(old: Old) -> None:
    old.restore()
    first, tables = old.opened("m1")[0].journal.last_index, old.opened("m1")[1].tables
    shutil.move(next(old.config.data_dir.glob("replaced-*")), old.config.data_dir / "replaced-before")
    assert any("incarnation 3" in line for line in old.restore())
    assert old.opened("m1")[0].journal.last_index > first + 10**8
    assert old.opened("m1")[1].tables.revision > tables.revision + 10**8
    with pytest.raises(Conflict, match="has been already"):
        old.restore(incarnation=3)


def test_an_agent_that_obeys_a_higher_incarnation_already_is_told_a_higher_one(old: Old) -> None:
    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok", "instance": "i-w1", "epoch": "6.2"}')

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", old.agent_at), Healthy) as agent:
        context = server_context(old.files.process("w1").tls.root, client_certificate="required")
        agent.socket = context.wrap_socket(agent.socket, server_side=True)
        serving = threading.Thread(target=agent.serve_forever)
        serving.start()
        try:
            assert any("incarnation 7" in line for line in old.restore())
        finally:
            agent.shutdown()
            serving.join()


def test_on_a_new_machine_the_ca_comes_from_the_snapshot_or_from_a_folder(old: Old, tmp_path: Path) -> None:
    shutil.copytree(old.files.ca_dir, tmp_path / "kept")
    shutil.copy(old.ca_files.key, tmp_path / "kept")
    for data, options in ((with_authority(old.data, old.ca), {}), (old.data, {"ca": tmp_path / "kept"})):
        old.lose()
        old.restore(data, **options)
        assert old.ca_files.certificate.read_bytes() == old.ca.certificate
        client_context(old.files.admin.root)


def test_without_the_ca_nothing_is_restored(old: Old) -> None:
    old.lose()
    with pytest.raises(BadFile, match="--ca"):
        old.restore()
    assert not old.config.data_dir.exists()


def test_a_ca_of_another_cluster_is_refused(old: Old, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Old(tmp_path / "other", seed=2)
    with pytest.raises(Conflict, match="not the same"):
        old.restore(with_authority(old.data, other.ca))
    old.lose()
    with pytest.raises(Conflict, match="is of cluster"):
        old.restore(with_authority(old.data, other.ca))


def test_a_snapshot_of_another_cluster_is_refused(old: Old, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(Conflict, match="another cluster of that name"):
        old.restore(Old(tmp_path / "other", seed=2).data)


def test_while_a_manager_runs_here_or_anything_listens_where_one_would_nothing_is_restored(old: Old) -> None:
    write_pid(old.files.process("m2").pid, os.getpid())
    with pytest.raises(Conflict, match=r"m2 .* runs here"):
        old.restore()
    old.files.process("m2").pid.unlink()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", old.config.managers[2].port))
        listening.listen()
        with pytest.raises(Conflict, match="address of m3"):
            old.restore()


def test_a_restore_that_was_interrupted_is_begun_anew_and_nothing_is_started_or_made_until_then(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr("okube.processes.restore.sow", fail)
        with pytest.raises(OSError, match="power"):
            old.restore()
    assert restoring_file(old.config.data_dir).exists()
    with pytest.raises(Conflict, match="interrupted"):
        up(old.path, True, print)
    with pytest.raises(Conflict, match="interrupted"):
        make_cluster(old.path, print)
    (aside,) = old.config.data_dir.glob("replaced-*")
    aside.rename(aside.with_name("replaced-first"))
    old.restore()
    assert not restoring_file(old.config.data_dir).exists()
    assert old.opened("m3")[1].tables.epoch.incarnation == 2


class Sealing(Old):
    """One with a key ring, and a config that is sealed with it."""

    def __init__(self, folder: Path, *, autolock: bool = False) -> None:
        super().__init__(folder)
        self.key = UnlockKey.new(Dice())
        self.keys = KeyFiles(key_folder(self.config, self.seed.cluster_id))
        ring = replace(new_ring(self.seed.cluster_id, self.key, "k1", Dice(1), 1000), autolock=autolock)
        sealed = open_ring(self.seed.cluster_id, ring, self.key, Dice(2)).seal(b"hello", "config/motd/v1")
        self.state.apply(c.PutRing(ring), c.PutSecret("config", "motd", "v1", sealed, 5, "create"))
        taken = Taken.of(self.state.machine, by="m2", why="saved", now_ms=self.state.now_ms, managers=["m1"])
        self.data = b"".join(asyncio.run(taken).file())

    def opened_with_the_key_on_disk(self) -> bytes:
        _, machine = self.opened("m1")
        vault = Vault(self.seed.cluster_id, lambda: machine.tables, kept=self.keys)
        return vault.open(machine.tables.secrets["config", "motd"].newest.sealed, "config/motd/v1")


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_without_the_unlock_key_nothing_is_restored_and_it_says_which_it_needs(own_home: Path) -> None:
    old = Sealing(own_home)
    with pytest.raises(BadFile, match=rf"unlock key \({old.key.id}\).*--unlock-key.*--without-unlock-key"):
        old.restore()
    assert read_seed(old.files.seed).incarnation == 1


def test_with_the_unlock_key_in_its_folder_what_is_sealed_can_be_read_again(own_home: Path) -> None:
    old = Sealing(own_home)
    old.keys.write(old.key)
    old.restore()
    assert old.opened_with_the_key_on_disk() == b"hello"


def test_a_former_unlock_key_of_the_snapshot_s_time_is_the_one_in_use_again(own_home: Path) -> None:
    old, later = Sealing(own_home), UnlockKey.new(Dice(9))
    old.keys.write(old.key)
    old.keys.write(later)
    old.restore()
    assert (old.keys.read(), old.keys.find(later.id)) == (old.key, later)


def test_the_unlock_key_may_come_from_a_file_that_is_named_if_it_is_the_right_one(own_home: Path) -> None:
    old = Sealing(own_home)
    brought = own_home / "brought.key"
    write_private(brought, f"{UnlockKey.new(Dice(9)).text}\n".encode())
    with pytest.raises(Conflict, match=old.key.id):
        old.restore(unlock_key=brought)
    write_private(brought, f"{old.key.text}\n".encode())
    old.restore(unlock_key=brought)
    assert old.opened_with_the_key_on_disk() == b"hello"


def test_the_unlock_key_may_be_typed(own_home: Path) -> None:
    old = Sealing(own_home)
    with pytest.raises(Conflict, match=old.key.id):
        plan_restore(old.path, old.data, unlock_key=UnlockKey.new(Dice(9)))
    restore_cluster(plan_restore(old.path, old.data, unlock_key=old.key), lambda _: None)
    assert old.opened_with_the_key_on_disk() == b"hello"


def test_where_managers_lock_themselves_the_key_stays_off_the_disk(own_home: Path) -> None:
    old = Sealing(own_home, autolock=True)
    said = old.restore()
    assert any("Managers will be locked" in line and old.key.id in line for line in said)
    assert old.keys.read() is None


def test_a_lost_unlock_key_costs_what_is_sealed_and_nothing_else(own_home: Path) -> None:
    old = Sealing(own_home)
    said = old.restore(without_unlock_key=True)
    assert any("given up" in line for line in said)
    _, machine = old.opened("m1")
    assert (machine.tables.ring, machine.tables.secrets) == (None, {})
    assert machine.tables.tasks == old.state.tables.tasks


def with_the_ca_in_its_state(old: Sealing) -> bytes:
    """A snapshot of it, as the leader has the state."""
    vault = Vault(old.seed.cluster_id, lambda: old.state.tables)
    vault.unlock(old.key)
    kept = kept_ca(load_ca(old.ca_files), vault, 1000)
    old.state.apply(c.PutAuthorities(Authorities(kept.id, (kept,)), "kept"))
    taken = Taken.of(old.state.machine, by="m2", why="saved", now_ms=old.state.now_ms, managers=["m1"])
    return b"".join(asyncio.run(taken).file())


def test_where_managers_lock_themselves_the_key_of_the_ca_in_its_folder_is_enough(own_home: Path) -> None:
    old = Sealing(own_home, autolock=True)
    data = with_the_ca_in_its_state(old)
    assert read_head(data).authority
    shutil.rmtree(old.config.data_dir)
    old.restore(data)
    assert old.ca_files.certificate.read_bytes() == old.ca.certificate


def test_where_managers_lock_themselves_a_restore_leaves_no_key_on_the_disk(own_home: Path) -> None:
    old = Sealing(own_home, autolock=True)
    data = with_the_ca_in_its_state(old)
    old.lose()
    write_private(own_home / "brought.key", f"{old.key.text}\n".encode())
    old.restore(data, unlock_key=own_home / "brought.key")
    assert old.ca_files.certificate.read_bytes() == old.ca.certificate
    assert not old.ca_files.key_dir.exists()
    client_context(old.files.process("m1").tls.root)


def test_a_key_of_the_ca_that_lies_with_the_data_still_is_moved_first(old: Old) -> None:
    old.ca_files.key.rename(old.ca_files.earlier_key)
    old.restore()
    assert old.ca_files.key.read_bytes() == old.ca.key
    assert not old.ca_files.earlier_key.exists()


def test_the_ca_in_the_state_is_taken_where_no_file_has_it_and_the_unlock_key_opens_it(own_home: Path) -> None:
    old = Sealing(own_home)
    ca, tables = load_ca(old.ca_files), old.state.tables
    data = with_the_ca_in_its_state(old)
    old.lose()
    with pytest.raises(BadFile, match="give the unlock key"):
        old.restore(data, without_unlock_key=True)
    old.keys.write(old.key)
    old.restore(data)
    assert load_ca(old.ca_files).certificate == ca.certificate
    assert load_ca(old.ca_files).key.public_key() == ca.key.public_key()
    assert old.opened("m1")[1].tables.authorities == tables.authorities
