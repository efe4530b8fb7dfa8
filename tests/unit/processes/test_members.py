import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from okube.config import load_cluster
from okube.manager.settings import ManagerSettings
from okube.model.errors import BadFile, Conflict, NotFound
from okube.model.managers import MembersView, MemberView
from okube.processes.down import down
from okube.processes.lock import runs_in
from okube.processes.members import Added, add_manager, forget_manager
from okube.processes.run import run_named_manager
from okube.processes.settings import authority_files
from okube.processes.up import up
from okube.security import ClusterFiles, client_context
from okube.security.seed import read_process_identity, read_seed
from tests.unit.processes.builders import bootstrap_to_file, free_ports, sow_once, stand_in, write_cluster


class Lab:
    """A cluster of one manager, which runs here or is of another machine, and what its leader would answer."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self.config = write_cluster(folder, managers=1, workers=0)
        self.config.write_text(self.config.read_text().replace("127.0.0.1", host))
        self.command = stand_in(folder)
        self.files = ClusterFiles(folder / "data")
        self.said: list[str] = []
        self.instance = "k3v9q7w2bcdf"
        self.asked: list[tuple[str, str, str]] = []
        self.written: list[tuple[ManagerSettings, int]] = []
        if host == "127.0.0.1":
            up(self.config, True, self.said.append, command=self.command, bootstrap=bootstrap_to_file)
        else:
            sow_once(load_cluster(self.config))

    def describe(self, name: str, host: str = "127.0.0.1") -> None:
        described = yaml.safe_load(self.config.read_text())
        port, raft_port = free_ports(2)
        described["managers"].append({"name": name, "host": host, "port": port, "raft_port": raft_port})
        self.config.write_text(yaml.safe_dump(described))

    def ask(self, name: str, address: str, raft_address: str) -> MembersView:
        self.asked.append((name, address, raft_address))
        (first,) = (m for m in read_seed(self.files.seed).members if m.name == "m1")
        old = MemberView("m1", first.instance, f"{first.host}:{first.port}", f"{first.host}:{first.raft_port}", True)
        return MembersView(7, (old, MemberView(name, self.instance, address, raft_address, False)))

    def add(self, name: str) -> Added:
        now_ms = time.time_ns() // 1_000_000

        def bootstrap(settings: ManagerSettings, members_index: int) -> None:
            self.written.append((settings, members_index))
            (settings.directory / "raft").mkdir()

        return add_manager(
            self.config, name, self.ask, self.said.append, now_ms=now_ms, command=self.command, bootstrap=bootstrap
        )


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    down(lab.config, False, lambda _: None, remove_tasks=lambda _: 0)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Lab:
    return Lab(tmp_path, "192.0.2.11")


def test_a_manager_of_this_machine_gets_its_folder_from_the_answer_and_is_started(lab: Lab) -> None:
    lab.describe("m2")
    added = lab.add("m2")
    folder = lab.files.process("m2")
    assert added == Added("m2", "127.0.0.1", folder.root, True)
    assert read_process_identity(folder.identity).instance == lab.instance
    client_context(folder.tls.root)
    assert runs_in(folder) is not None
    settings, index = lab.written[0]
    assert index == 7
    assert [(m.name, m.voter) for m in settings.members] == [("m1", True), ("m2", False)]
    assert [m.name for m in read_seed(lab.files.seed).members] == ["m1", "m2"]
    said: list[str] = []
    up(lab.config, True, said.append, command=lab.command, bootstrap=bootstrap_to_file)
    assert not [line for line in said if "managers add" in line]


def test_a_second_time_it_is_left_alone_where_it_runs_and_started_where_it_does_not(lab: Lab) -> None:
    lab.describe("m2")
    lab.add("m2")
    with pytest.raises(Conflict, match="m2 runs here already"):
        lab.add("m2")
    down(lab.config, False, lambda _: None, remove_tasks=lambda _: 0)
    assert lab.add("m2").started
    assert len(lab.written) == 1


def test_one_of_another_machine_gets_its_folder_and_is_not_started(elsewhere: Lab) -> None:
    elsewhere.describe("m2", host="192.0.2.12")
    added = elsewhere.add("m2")
    assert (added.started, added.host) == (False, "192.0.2.12")
    assert elsewhere.asked[0][1].startswith("192.0.2.12:")
    assert runs_in(elsewhere.files.process("m2")) is None


def test_what_an_earlier_one_of_that_name_left_is_set_aside(elsewhere: Lab) -> None:
    elsewhere.describe("m2", host="192.0.2.12")
    elsewhere.add("m2")
    forget_manager(elsewhere.config, "m2", MembersView(9, elsewhere.ask("m2", "a:1", "a:2").members[:1]))
    elsewhere.instance = "another2bcdf"
    elsewhere.add("m2")
    assert read_process_identity(elsewhere.files.process("m2").identity).instance == "another2bcdf"
    assert (elsewhere.files.data_dir / ".m2.k3v9q7w2bcdf.left" / "removed").exists()
    assert "what an earlier m2 left is now in" in elsewhere.said[-1]


def test_without_the_ca_or_a_line_in_cluster_yaml_nothing_is_asked(lab: Lab) -> None:
    with pytest.raises(NotFound, match="names no manager m2; its managers are: m1"):
        lab.add("m2")
    lab.describe("m2")
    key = authority_files(load_cluster(lab.config), read_seed(lab.files.seed).cluster_id).key
    key.unlink()
    with pytest.raises(BadFile, match="does not have the cluster's CA"):
        lab.add("m2")
    assert lab.asked == []


def test_one_that_was_removed_is_not_started_again(elsewhere: Lab) -> None:
    elsewhere.describe("m2", host="192.0.2.12")
    elsewhere.add("m2")
    assert forget_manager(elsewhere.config, "m2", MembersView(9, elsewhere.ask("m2", "a:1", "a:2").members[:1]))
    assert [m.name for m in read_seed(elsewhere.files.seed).members] == ["m1"]
    with pytest.raises(Conflict, match="m2 was removed from the cluster"):
        run_named_manager(elsewhere.config, "m2")
