import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from okube.model.errors import Conflict, InvalidInput
from okube.processes.down import down
from okube.processes.launch import StartFailed
from okube.processes.lock import runs_in
from okube.processes.up import up
from okube.security import ClusterFiles
from tests.unit.processes.builders import bootstrap_to_file, stand_in, write_cluster

NAMES = ("m1", "m2", "m3", "w1")

FOREGROUND = """
import sys
from pathlib import Path
from okube.processes.up import up
from tests.unit.processes.builders import bootstrap_to_file
up(Path(sys.argv[1]), False, lambda line: print(line, flush=True), command=sys.argv[2:], bootstrap=bootstrap_to_file)
"""


class Lab:
    """A cluster.yaml in a folder, and ``up`` with the stand-in for Okube's processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = write_cluster(folder)
        self.command = stand_in(folder)
        self.files = ClusterFiles(folder / "data")

    def up(self) -> list[str]:
        said: list[str] = []
        up(self.config, True, said.append, command=self.command, bootstrap=bootstrap_to_file)
        return said

    def pids(self) -> dict[str, int]:
        running = {name: runs_in(self.files.process(name)) for name in NAMES}
        return {name: each.pid for name, each in running.items() if each}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.config = write_cluster(tmp_path)
    down(lab.config, False, lambda _: None, remove_tasks=lambda _: 0)


def test_the_first_up_starts_all_and_says_so(lab: Lab) -> None:
    said = lab.up()
    pids = lab.pids()
    assert pids.keys() == set(NAMES)
    assert sorted(line.split()[0] for line in said) == list(NAMES)
    assert all("started (pid " in line for line in said)


def test_a_second_up_touches_nothing(lab: Lab) -> None:
    lab.up()
    before = lab.pids()
    said = lab.up()
    assert lab.pids() == before
    assert all("runs already (pid " in line for line in said)


def test_what_was_killed_is_the_one_thing_started_again(lab: Lab) -> None:
    lab.up()
    before = lab.pids()
    victim = runs_in(lab.files.process("m2"))
    assert victim is not None
    os.kill(victim.pid, signal.SIGKILL)
    os.waitpid(victim.pid, 0)
    lab.up()
    after = lab.pids()
    assert {name for name in NAMES if after[name] != before[name]} == {"m2"}


def test_one_that_fails_is_told_with_its_last_words_and_the_others_run(lab: Lab) -> None:
    lab.up()
    down(lab.config, False, lambda _: None, remove_tasks=lambda _: 0)
    (lab.files.process("m3").root / "fails").touch()
    with pytest.raises(StartFailed, match="manager m3 ended at once") as caught:
        lab.up()
    assert "no floppy drive" in str(caught.value)
    assert lab.pids().keys() == {"m1", "m2", "w1"}


def test_another_clusters_data_starts_nothing(lab: Lab) -> None:
    lab.up()
    down(lab.config, False, lambda _: None, remove_tasks=lambda _: 0)
    lab.config = write_cluster(lab.folder, cluster="prod")
    with pytest.raises(Conflict, match="holds the data of cluster lab"):
        lab.up()
    assert lab.pids() == {}


def test_a_wrong_file_makes_nothing(lab: Lab) -> None:
    lab.config = write_cluster(lab.folder, "managres: []")
    with pytest.raises(InvalidInput):
        lab.up()
    assert not lab.files.data_dir.exists()


def test_a_cluster_is_made_on_the_machine_of_its_first_manager_alone(lab: Lab) -> None:
    lab.config.write_text(lab.config.read_text().replace("127.0.0.1", "192.0.2.7"))
    with pytest.raises(Conflict, match=r"made on the machine of its first manager, m1 \(192\.0\.2\.7\)"):
        lab.up()
    assert not lab.files.data_dir.exists()


def test_processes_of_other_machines_are_named_and_not_started(lab: Lab) -> None:
    text = lab.config.read_text()
    line = next(each for each in text.splitlines() if "name: w1" in each)
    lab.config.write_text(text.replace(line, line.replace("127.0.0.1", "192.0.2.7")))
    text = lab.config.read_text()
    said = lab.up()
    assert any(each.startswith("w1") and "on another machine" in each for each in said)
    assert lab.pids().keys() == {"m1", "m2", "m3"}


def test_a_folder_that_was_taken_to_the_machine_of_its_worker_is_not_missed(lab: Lab) -> None:
    lab.up()
    down(lab.config, False, lambda _: None, remove_tasks=lambda _: 0)
    text = lab.config.read_text()
    line = next(each for each in text.splitlines() if "name: w1" in each)
    lab.config.write_text(text.replace(line, line.replace("127.0.0.1", "192.0.2.7")))
    shutil.rmtree(lab.files.process("w1").root)
    (lab.config.parent / "keys" / "ca.key").unlink()
    said = lab.up()
    assert any(each.startswith("w1") and "on another machine" in each for each in said)
    assert lab.pids().keys() == {"m1", "m2", "m3"}


def test_a_changed_port_is_named_and_the_clusters_own_is_used(lab: Lab) -> None:
    lab.up()
    down(lab.config, False, lambda _: None, remove_tasks=lambda _: 0)
    text = lab.config.read_text()
    port = text.split("name: m1, host: 127.0.0.1, port: ")[1].split(",")[0]
    lab.config.write_text(text.replace(f"port: {port},", "port: 9,"))
    said = lab.up()
    assert any("the cluster's address holds" in line for line in said)
    assert any(line.startswith("m1") and f":{port}" in line and "started" in line for line in said)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_it_follows_and_ends_what_it_started(lab: Lab, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FOREGROUND, lab.config, *lab.command], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        shown = set()
        for line in running.stdout:
            shown.add(line.strip())
            if {f"m{n} | manager m{n} is ready" for n in (1, 2, 3)} | {"w1 | worker w1 is ready"} <= shown:
                break
        running.send_signal(number)
        rest = running.stdout.read()
    assert running.returncode == 0
    assert "containers go on" in rest
    assert lab.pids() == {}
