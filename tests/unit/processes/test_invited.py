"""A manager that is added on a machine without the key of the CA: the cluster signs."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from okube.manager.settings import ManagerSettings
from okube.model.errors import Conflict
from okube.model.managers import MembersView
from okube.processes.down import down
from okube.processes.invited import Invitation
from okube.processes.lock import runs_in
from okube.processes.members import Added, add_manager
from okube.security import ClusterFiles
from okube.security.keyfiles import KeyFiles
from okube.security.seed import read_process_identity, read_seed
from tests.unit.processes.builders import free_ports, stand_in
from tests.unit.processes.test_joining import UNLOCK, Cluster


class Machine:
    """A machine with a cluster.yaml that names m1 and m4, and nothing else of the cluster."""

    def __init__(self, folder: Path, cluster: Cluster, host: str) -> None:
        port, raft_port, other = free_ports(3)
        self.config = folder / "cluster.yaml"
        entries = [
            {"name": "m1", "host": host.replace("192.0.2.14", "192.0.2.11"), "port": other},
            {"name": "m4", "host": host, "port": port, "raft_port": raft_port},
        ]
        described = {"cluster": "lab", "data_dir": "data", "key_dir": "keys", "managers": entries}
        self.config.write_text(yaml.safe_dump(described))
        self.files = ClusterFiles(folder / "data")
        self.keys = KeyFiles(folder / "keys")
        self.members: dict[str, str] = {"m1": "i-m1"}
        self.open = 0
        self.said: list[str] = []
        self._cluster = cluster
        self._command = stand_in(folder)

    @contextlib.contextmanager
    def invite(self) -> Iterator[Invitation]:
        self.open += 1
        yield Invitation(self._cluster.manager_token(), [self._cluster.place], self.members)
        self.open -= 1

    def add(self) -> Added:
        def ask(*_: str) -> MembersView:
            raise AssertionError("it is let in by its token")

        def bootstrap(settings: ManagerSettings, index: int) -> None:
            (settings.directory / "raft").mkdir()

        return add_manager(
            self.config,
            "m4",
            ask,
            self.said.append,
            now_ms=0,
            command=self._command,
            bootstrap=bootstrap,
            invite=self.invite,
        )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "cluster")
    yield made
    made.stop()


def test_a_manager_is_added_on_its_own_new_machine_and_started(tmp_path: Path, cluster: Cluster) -> None:
    machine = Machine(tmp_path, cluster, "127.0.0.1")
    try:
        added = machine.add()
        folder = machine.files.process("m4")
        assert added == Added("m4", "127.0.0.1", folder.root, True)
        assert runs_in(folder) is not None
        assert (machine.keys.read(), machine.open) == (UNLOCK, 0)
        assert not machine.keys.ca_key.exists()
        assert [m.name for m in read_seed(machine.files.seed).members] == ["m1", "m4"]
        with pytest.raises(Conflict, match="m4 runs here already"):
            machine.add()
    finally:
        down(machine.config, False, lambda _: None, remove_tasks=lambda _: 0)


def test_of_one_for_another_machine_the_folder_is_made_and_no_key_of_the_cluster_is_left_here(
    tmp_path: Path, cluster: Cluster
) -> None:
    machine = Machine(tmp_path, cluster, "192.0.2.14")
    added = machine.add()
    assert (added.started, read_process_identity(added.folder / "identity.json").name) == (False, "m4")
    assert machine.keys.read() is None


def test_a_second_call_goes_on_with_the_folder_that_the_cluster_knows_and_sets_any_other_aside(
    tmp_path: Path, cluster: Cluster
) -> None:
    machine = Machine(tmp_path, cluster, "192.0.2.14")
    identity = machine.add().folder / "identity.json"
    first = read_process_identity(identity).instance
    machine.members["m4"] = first
    machine.add()
    assert (read_process_identity(identity).instance, len(cluster.asked)) == (first, 1)
    del machine.members["m4"]  # it was removed, and this machine has not heard of it
    machine.add()
    assert read_process_identity(identity).instance != first
    assert (machine.files.data_dir / f".m4.{first}.left").is_dir()
    assert "what an earlier m4 left is now in" in machine.said[-1]
