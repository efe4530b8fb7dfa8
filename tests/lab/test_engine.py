"""The lab's own engine: what a test run that was killed left behind does not stay."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.engine import IMAGE, Engine, clean_up_after_the_dead
from tests.lab.leftovers import pids_mentioning

pytestmark = pytest.mark.xdist_group("docker")

_KILLED_RUN = """
import contextlib, os
from tests.lab.engine import Engine
engine = Engine.create()
with contextlib.closing(engine.client()) as client:
    client.start(client.create_container(engine.image, ["sleep", "1000"])["Id"])
print(engine.folder, flush=True)
os.kill(os.getpid(), 9)
"""


def test_two_engines_run_side_by_side(own_engine: Engine) -> None:
    other = Engine.create()
    try:
        for engine in (own_engine, other):
            with contextlib.closing(engine.client()) as client:
                made = client.create_container(IMAGE, ["true"])["Id"]
                client.start(made)
                assert client.wait(made)["StatusCode"] == 0
                assert len(client.containers(all=True)) == 1
    finally:
        other.destroy()


def test_what_a_killed_run_left_behind_is_cleaned_up() -> None:
    run = subprocess.run([sys.executable, "-c", _KILLED_RUN], capture_output=True, text=True, check=False)
    folder = Path(run.stdout.strip())
    assert folder.is_dir(), run.stderr
    assert pids_mentioning(f"{folder}/")
    clean_up_after_the_dead()
    assert not folder.exists()
    assert pids_mentioning(f"{folder}/") == []
    assert f" {folder}/" not in Path("/proc/self/mounts").read_text()
    assert list(Path("/sys/fs/cgroup").glob(f"*/okube-test/{folder.name}")) == []
    assert not Path(f"/sys/class/net/okt{folder.name.removeprefix('okube-engine-')[:10]}").exists()
