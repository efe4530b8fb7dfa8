from pathlib import Path

import pytest
from msgspec.structs import replace

from okube.model.errors import NotFound
from okube.processes.settings import join_address, manager_address, manager_settings, worker_settings
from okube.security.seed import ProcessIdentity
from tests.unit.processes.builders import a_cluster, sow_once


def an_identity(role: str, name: str) -> ProcessIdentity:
    return ProcessIdentity(role, "c1", name, "i1")  # type: ignore[arg-type]  # "manager" or "worker"


def test_a_manager_is_told_all_members_and_the_hash_of_the_token(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    seed = sow_once(config).seed
    settings = manager_settings(config, seed, an_identity("manager", "m2"), tmp_path)
    assert settings.port == config.managers[1].port
    assert settings.raft_port == config.managers[1].raft_port
    assert settings.directory == tmp_path
    assert [m.api_address for m in settings.members] == [f"127.0.0.1:{m.port}" for m in config.managers]
    assert [m.raft_address for m in settings.members] == [f"127.0.0.1:{m.raft_port}" for m in config.managers]
    assert settings.admin_token_sha256 == seed.admin_token_sha256


def test_the_clusters_address_of_a_manager_holds_against_the_file(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    seed = sow_once(config).seed
    moved = replace(config, managers=(replace(config.managers[0], port=9), *config.managers[1:]))
    assert manager_address(moved, seed, "m1").port == config.managers[0].port


def test_a_worker_is_told_every_manager_once(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    seed = sow_once(config).seed
    fewer = replace(seed, members=seed.members[1:])
    settings = worker_settings(config, fewer, an_identity("worker", "w1"), tmp_path)
    assert settings.manager_names == ("m2", "m3", "m1")
    assert settings.managers[2] == f"127.0.0.1:{config.managers[0].port}"
    assert settings.address == f"127.0.0.1:{config.workers[0].port}"


def test_names_that_nobody_has_are_refused_with_those_that_are(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    seed = sow_once(config).seed
    with pytest.raises(NotFound, match=r"no manager m9 .* it has m1, m2, m3"):
        manager_address(config, seed, "m9")
    with pytest.raises(NotFound, match=r"no worker w9 .* it has w1"):
        worker_settings(config, seed, an_identity("worker", "w9"), tmp_path)


def test_an_ipv6_address_is_bracketed() -> None:
    assert join_address("::1", 7101) == "[::1]:7101"
    assert join_address("m1.example.com", 7101) == "m1.example.com:7101"
