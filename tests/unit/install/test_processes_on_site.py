"""What the program of a machine says of processes' folders, and does to them; tried on this one, in a folder."""

import ast
import fcntl
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from okube.install.local import LocalRemote
from okube.install.onsite import ask

HERE = LocalRemote(before=())


class Answer(msgspec.Struct):
    folders: dict[str, dict[str, Any]]
    problem: str


async def done(do: str, data_dir: Path, names: Sequence[str] = ("w1",)) -> Answer:
    return await ask(HERE, "processes", {"do": do, "data_dir": str(data_dir), "names": list(names)}, Answer)


def a_folder(data_dir: Path, name: str = "w1", instance: str = "i1") -> Path:
    folder = data_dir / name
    folder.mkdir(parents=True)
    identity = {"role": "worker", "cluster_id": "c1", "name": name, "instance": instance}
    (folder / "identity.json").write_text(json.dumps(identity))
    return folder


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_its_text_is_read_by_pythons_that_are_too_old_for_okube() -> None:
    ast.parse(resources.files("okube.install.onsite").joinpath("processes.py").read_text(), feature_version=(3, 6))


async def test_a_folder_tells_whose_it_is(tmp_path: Path) -> None:
    a_folder(tmp_path)
    (tmp_path / "w2").mkdir()
    found = (await done("look", tmp_path, ("w1", "w2", "w3"))).folders
    assert (found["w1"]["cluster_id"], found["w1"]["instance"], found["w1"]["role"]) == ("c1", "i1", "worker")
    assert [found[name]["damaged"] for name in ("w1", "w2", "w3")] == [False, True, False]
    assert not found["w1"]["runs"]


async def test_a_join_that_was_begun_tells_its_instance(tmp_path: Path) -> None:
    joining = tmp_path / ".w1.joining"
    joining.mkdir()
    (joining / "joining.json").write_text(json.dumps({"role": "worker", "name": "w1", "instance": "i7"}))
    assert (await done("look", tmp_path)).folders["w1"]["drawn"] == "i7"
    (joining / "joining.json").write_text("{")
    assert (await done("look", tmp_path)).folders["w1"]["drawn"] == ""
    (joining / "identity.json").write_text(json.dumps({"name": "w1", "instance": "i8"}))
    assert (await done("look", tmp_path)).folders["w1"]["drawn"] == "i8"


async def test_a_folder_is_put_aside_under_its_instance_and_twice_is_no_error(tmp_path: Path) -> None:
    a_folder(tmp_path)
    assert (await done("aside", tmp_path)).folders["w1"]["instance"] == ""
    assert (await done("aside", tmp_path)).problem == ""
    assert names_in(tmp_path) == [".w1.i1.left"]
    a_folder(tmp_path)
    await done("aside", tmp_path)
    assert names_in(tmp_path) == [".w1.i1-2.left", ".w1.i1.left"]


async def test_a_process_goes_with_all_that_was_left_of_it_and_nothing_else(tmp_path: Path) -> None:
    for name in ("w1", "w11", ".w1.i0.left", ".w1.joining", ".w11.joining"):
        (tmp_path / name).mkdir()
    (tmp_path / "cluster.json").write_text("{}")
    assert (await done("remove", tmp_path)).problem == ""
    assert names_in(tmp_path) == [".w11.joining", "cluster.json", "w11"]
    assert (await done("remove", tmp_path / "nowhere")).problem == ""


async def test_a_folder_is_not_taken_from_under_its_process(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert (await done("look", tmp_path)).folders["w1"]["runs"]
        for do in ("aside", "remove"):
            assert "w1 runs in" in (await done(do, tmp_path)).problem
    assert folder.is_dir()
