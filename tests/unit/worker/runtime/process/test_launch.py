"""What a task's folder tells its shim."""

from pathlib import Path

import msgspec

from okube.model.resources import Limits, Resources
from okube.worker.runtime.process.folder import Record
from okube.worker.runtime.process.launch import lay_out
from okube.worker.runtime.process.workdir import Images, Volumes
from tests.unit.worker.runtime.builders import a_task


def record_of(tmp_path: Path, resources: Resources) -> Record:
    task = a_task(image="host", command=("true",), resources=resources)
    images, volumes = Images(tmp_path / "images", "w1"), Volumes(tmp_path / "volumes", "c", "w1")
    lay_out(task, tmp_path / "there", tmp_path / "made", cluster_id="c", node="w1", images=images, volumes=volumes)
    return msgspec.json.decode((tmp_path / "there" / "task.json").read_bytes(), type=Record)


def test_what_is_promised_is_the_limit(tmp_path: Path) -> None:
    record = record_of(tmp_path, Resources(cpus=0.5, memory=64 << 20))
    assert (record.cpus, record.memory) == (0.5, 64 << 20)


def test_a_limit_above_what_is_promised_is_the_limit(tmp_path: Path) -> None:
    record = record_of(tmp_path, Resources(cpus=0.5, memory=64 << 20, limits=Limits(cpus=2.0, memory=128 << 20)))
    assert (record.cpus, record.memory) == (2.0, 128 << 20)
