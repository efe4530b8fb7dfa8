import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from okube.config import load_cluster
from okube.model.errors import BadFile, Conflict
from okube.processes.seed import read_cluster, sow
from okube.security import ClusterFiles, client_context, read_token, token_matches
from okube.security.seed import read_process_identity
from tests.unit.processes.builders import NOW_MS, a_cluster, bootstrap_to_file, sow_once, write_cluster


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_first_time_makes_all_that_the_processes_need(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sown = sow_once(config)
    files = ClusterFiles(config.data_dir)
    assert sown.unusable == {}
    assert sown.differences == ()
    for name, role in (("m1", "manager"), ("m2", "manager"), ("m3", "manager"), ("w1", "worker")):
        identity = read_process_identity(files.process(name).identity)
        assert (identity.role, identity.name, identity.cluster_id) == (role, name, sown.seed.cluster_id)
        client_context(files.process(name).tls.root)
    client_context(files.admin.root)
    assert token_matches(read_token(files.admin_token), sown.seed.admin_token_sha256)
    assert [m.instance for m in sown.seed.members] == [
        read_process_identity(files.process(m.name).identity).instance for m in sown.seed.members
    ]


def test_each_manager_is_bootstrapped_with_all_members(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    for name in ("m1", "m2", "m3"):
        assert (ClusterFiles(config.data_dir).process(name).raft / "members").read_text() == "m1 m2 m3"


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    before = contents(config.data_dir)
    sow_once(config, seed=2)
    assert contents(config.data_dir) == before


def test_the_file_cluster_json_is_as_others_read_it(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    seed = json.loads((config.data_dir / "cluster.json").read_text())
    assert seed.keys() == {"cluster", "cluster_id", "admin_token_sha256", "members", "incarnation"}
    assert seed["members"][0].keys() == {"name", "instance", "host", "port", "raft_port"}


KILLED_AT_EACH_STEP = """
# Kills the making of a cluster before each of its changes to the disk in turn, then makes it again.
import os, sys
from pathlib import Path
from msgspec.structs import replace
from okube.config import load_cluster
from tests.unit.processes.builders import sow_once

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir"}
config_path = Path(sys.argv[1])
steps_left = 0


def die_in_time(event, arguments):
    global steps_left
    if event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT):
        steps_left -= 1
        if steps_left < 0:
            os._exit(9)


def in_a_child(data_dir, seed, step):
    global steps_left
    child = os.fork()
    if child == 0:
        if step is not None:
            steps_left = step
            sys.addaudithook(die_in_time)
        key_dir = Path(f"{data_dir}-keys")
        sown = sow_once(replace(load_cluster(config_path), data_dir=data_dir, key_dir=key_dir), seed=seed)
        os._exit(1 if sown.unusable else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


step = 0
while True:
    data_dir = config_path.parent / f"data-{step}"
    ended = in_a_child(data_dir, 1, step)
    ca = data_dir / "ca" / "ca.crt"
    before = ca.read_bytes() if ca.exists() else None
    assert in_a_child(data_dir, 2, None) == 0, step
    assert before in (None, ca.read_bytes()), f"the CA was made anew after step {step}"
    assert not (data_dir / "seeding.json").exists(), step
    assert not [p for p in data_dir.glob(".*.making")], step
    assert (data_dir / "m1" / "raft" / "members").exists() and (data_dir / "w1" / "identity.json").exists(), step
    if ended == 0:
        break
    assert ended == 9, (step, ended)
    step += 1
print(step)
"""


def test_killed_before_any_change_to_the_disk_it_completes_the_next_time(tmp_path: Path) -> None:
    config = write_cluster(tmp_path, managers=1)
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_STEP, config], cwd=Path.cwd(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


def test_the_plan_is_kept_over_a_kill(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    with pytest.raises(ZeroDivisionError):
        sow(config, bootstrap=lambda _: print(1 / 0), rng=random.Random(1), now_ms=NOW_MS)
    planned = json.loads((config.data_dir / "seeding.json").read_text())
    assert sow_once(config, seed=2).seed.cluster_id == planned["cluster_id"]


def test_a_wiped_manager_is_not_made_again_and_the_others_are_usable(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    shutil.rmtree(config.data_dir / "m1")
    sown = sow_once(config)
    assert sown.unusable.keys() == {"m1"}
    assert "m1's data is gone" in sown.unusable["m1"]
    assert "another instance" in sown.unusable["m1"]
    assert not (config.data_dir / "m1").exists()


def test_a_manager_whose_folder_was_emptied_is_wiped_too(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    shutil.rmtree(config.data_dir / "m1")
    (config.data_dir / "m1").mkdir()
    assert "m1's data is gone" in sow_once(config).unusable["m1"]


def test_a_new_worker_gets_its_folder(tmp_path: Path) -> None:
    config = a_cluster(tmp_path, workers=2)
    sow_once(replace(config, workers=config.workers[:1]))
    sown = sow_once(config, seed=2)
    assert sown.unusable == {}
    assert read_process_identity(config.data_dir / "w2" / "identity.json").name == "w2"


def test_a_manager_that_is_no_member_is_not_started(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(replace(config, managers=config.managers[:1]))
    sown = sow_once(config)
    assert sown.unusable.keys() == {"m2", "m3"}
    assert not (config.data_dir / "m2").exists()


def test_a_folder_in_the_way_is_named_and_left_alone(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(replace(config, workers=()))
    (config.data_dir / "w1").mkdir()
    (config.data_dir / "w1" / "thesis.tex").write_text("...")
    assert "is in the way" in sow_once(config).unusable["w1"]
    assert (config.data_dir / "w1" / "thesis.tex").exists()


def test_another_clusters_data_directory_is_refused(tmp_path: Path) -> None:
    sow_once(a_cluster(tmp_path))
    other = load_cluster(write_cluster(tmp_path, cluster="prod"))
    before = contents(tmp_path / "data")
    with pytest.raises(Conflict, match=r"holds the data of cluster lab, and cluster\.yaml describes prod"):
        sow_once(other)
    assert contents(tmp_path / "data") == before


def test_the_folder_of_another_clusters_process_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    mine, other = a_cluster(tmp_path / "a"), a_cluster(tmp_path / "b")
    sow_once(mine)
    sow_once(other, seed=2)
    shutil.rmtree(mine.data_dir / "m2")
    shutil.copytree(other.data_dir / "m2", mine.data_dir / "m2")
    with pytest.raises(Conflict, match="m2 is of another cluster"):
        sow_once(mine)


def test_a_manager_that_became_a_worker_is_refused(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    turned = replace(config, managers=config.managers[:2], workers=(replace(config.workers[0], name="m3"),))
    with pytest.raises(Conflict, match=r"that of manager m3, and cluster\.yaml names worker m3"):
        sow_once(turned)


def test_what_is_left_of_a_cluster_is_never_made_anew(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    (config.data_dir / "cluster.json").unlink()
    before = contents(config.data_dir)
    with pytest.raises(Conflict, match=r"ca, m1, m2, m3, w1 and no cluster\.json"):
        sow_once(config)
    assert contents(config.data_dir) == before


def test_a_machine_without_the_ca_uses_what_was_copied_to_it(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    for gone in ("ca", "w1", "m2"):
        shutil.rmtree(config.data_dir / gone)
    sown = sow_once(config)
    assert not (config.data_dir / "ca").exists()
    assert sown.unusable.keys() == {"m2", "w1"}
    assert "does not have the cluster's CA" in sown.unusable["w1"]


def test_certificates_are_renewed_in_time_and_keep_their_key(tmp_path: Path) -> None:
    config = a_cluster(tmp_path)
    sow_once(config)
    tls = ClusterFiles(config.data_dir).process("w1").tls
    certificate, key = tls.certificate.read_bytes(), tls.key.read_bytes()
    eleven_months_ms = 335 * 86_400_000
    sow(config, bootstrap=bootstrap_to_file, rng=random.Random(1), now_ms=NOW_MS + eleven_months_ms)
    assert tls.certificate.read_bytes() != certificate
    assert tls.key.read_bytes() == key


def test_a_process_is_told_to_run_up_first(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="run 'okube up' first"):
        read_cluster(a_cluster(tmp_path))
