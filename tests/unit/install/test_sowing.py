"""The cluster's files on the machine that installs: each folder is in one place at a time."""

import io
import tarfile
from pathlib import Path

import msgspec
import pytest

from okube.config import ClusterConfig
from okube.install.run import wiped_workers
from okube.install.sowing import authority_of, give_up, known_cluster, left_here, sow_for, tree_of
from okube.model.errors import BadFile, Conflict
from okube.processes.places import restoring_file
from okube.security import ClusterFiles
from okube.security.seed import ProcessIdentity, read_process_identity
from tests.unit.install.rack import a_cluster

NAMES = ("m1", "m2", "m3", "w1", "w2", "w3")
NOWHERE: dict[str, ProcessIdentity | None] = dict.fromkeys(NAMES)


@pytest.fixture
def config(tmp_path: Path) -> ClusterConfig:
    return a_cluster(data_dir=tmp_path / "data", key_dir=tmp_path / "keys")


def identity_of(config: ClusterConfig, name: str) -> ProcessIdentity:
    return read_process_identity(ClusterFiles(config.data_dir).process(name).identity)


def test_the_first_time_a_folder_is_made_for_each_process(config: ClusterConfig) -> None:
    assert known_cluster(config) is None
    sown = sow_for(config, NOWHERE)
    assert sorted(sown.folders) == sorted(NAMES)
    assert sown.problems == ()
    assert known_cluster(config) == sown.seed
    assert authority_of(config) is not None


def test_again_the_same_folders_are_there(config: ClusterConfig) -> None:
    first = sow_for(config, NOWHERE)
    instances = {name: identity_of(config, name) for name in NAMES}
    assert sow_for(config, NOWHERE) == first
    assert {name: identity_of(config, name) for name in NAMES} == instances


def test_what_is_on_its_machine_is_neither_sent_nor_made_again(config: ClusterConfig) -> None:
    sow_for(config, NOWHERE)
    there = {name: identity_of(config, name) for name in NAMES}
    for name in NAMES:
        give_up(config, name)
    sown = sow_for(config, there)
    assert (sown.folders, sown.problems) == ({}, ())
    assert not any(ClusterFiles(config.data_dir).process(name).root.exists() for name in NAMES)


def test_machines_that_do_not_answer_are_left_out(config: ClusterConfig) -> None:
    sow_for(config, NOWHERE)
    give_up(config, "m3")
    sown = sow_for(config, {"m1": None, "w1": None})
    assert sorted(sown.folders) == ["m1", "w1"]
    assert sown.problems == ()


def test_a_manager_whose_folder_is_nowhere_is_not_made_again(config: ClusterConfig) -> None:
    sow_for(config, NOWHERE)
    give_up(config, "m2")
    sown = sow_for(config, {"m2": None})
    (problem,) = sown.problems
    assert "m2's data is gone from 192.0.2.12" in problem
    assert "replace-manager m2" in problem
    assert sown.folders == {}


def test_a_manager_that_the_cluster_was_not_made_with_is_to_join(config: ClusterConfig) -> None:
    few = msgspec.structs.replace(config, managers=config.managers[:2])
    sow_for(few, {name: None for name in NAMES if name != "m3"})
    (problem,) = sow_for(config, {"m3": None}).problems
    assert "m3 is no manager of the cluster yet" in problem


def test_a_worker_that_came_into_the_file_later_gets_a_folder(config: ClusterConfig) -> None:
    few = msgspec.structs.replace(config, workers=config.workers[:2])
    sow_for(few, {name: None for name in NAMES if name != "w3"})
    assert sorted(sow_for(config, {"w3": None}).folders) == ["w3"]


def test_who_joins_with_a_token_gets_no_folder_here(config: ClusterConfig) -> None:
    few = msgspec.structs.replace(config, workers=config.workers[:2])
    sow_for(few, {name: None for name in NAMES if name != "w3"})
    sown = sow_for(config, {"w3": None}, joining=["w3"])
    assert (sown.folders, sown.problems) == ({}, ())


def test_a_process_of_another_cluster_is_refused(config: ClusterConfig) -> None:
    foreign = ProcessIdentity("worker", "other", "w1", "i")
    assert "w1 on its machine is of another cluster (other" in sow_for(config, {**NOWHERE, "w1": foreign}).problems[0]


def test_an_installation_that_was_interrupted_after_a_folder_arrived_is_found(config: ClusterConfig) -> None:
    sow_for(config, NOWHERE)
    there = {name: identity_of(config, name) if name == "m1" else None for name in NAMES}
    assert left_here(config, there) == ["m1"]
    other = ProcessIdentity("manager", identity_of(config, "m2").cluster_id, "m2", "another instance")
    assert left_here(config, {"m2": other}) == []


def test_a_folder_that_is_sent_is_whole_and_the_same_each_time(config: ClusterConfig) -> None:
    folder = sow_for(config, NOWHERE).folders["m1"]
    packed = tree_of(folder)
    assert tree_of(folder) == packed
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        members = {member.name: member for member in archive.getmembers()}
    assert {"identity.json", "tls/node.key", "tls/node.crt", "tls/ca.crt", "raft"} <= members.keys()
    assert members["tls/node.key"].mode & 0o777 == 0o600
    assert {member.uid for member in members.values()} == {0}


def test_a_link_in_a_folder_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(BadFile, match="neither a file nor a folder"):
        tree_of(tmp_path)


def test_a_worker_that_was_wiped_is_told_and_one_that_is_new_is_not(config: ClusterConfig) -> None:
    there = ProcessIdentity("worker", "abc", "w1", "i")
    (told,) = wiped_workers(config, {"w1": there, "w2": None, "w3": None}, {"w1", "w2"})
    assert told.startswith("w2's data is gone from 192.0.2.12")
    assert "okube nodes rm w2" in told
    assert wiped_workers(config, {"w2": None}, frozenset()) == []


def test_where_a_restore_was_interrupted_no_managers_are_made_that_would_begin_with_nothing(
    config: ClusterConfig,
) -> None:
    config.data_dir.mkdir()
    restoring_file(config.data_dir).touch()
    with pytest.raises(Conflict, match="okube cluster restore"):
        sow_for(config, NOWHERE)
    assert [path.name for path in config.data_dir.iterdir()] == ["restoring"]
