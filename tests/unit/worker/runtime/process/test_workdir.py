from pathlib import Path

import pytest

from okube.model.spec import ServiceSpec, Volume
from okube.worker.runtime.base import RuntimeFailure
from okube.worker.runtime.process.workdir import Images, Volumes, command_of

CLUSTER = "0123456789abcdef"


def a_spec(*volumes: Volume, command: tuple[str, ...] = ()) -> ServiceSpec:
    return ServiceSpec(name="web", image="web", volumes=volumes, command=command)


def test_a_working_directory_is_a_copy_of_its_image(tmp_path: Path) -> None:
    (tmp_path / "images" / "web" / "bin").mkdir(parents=True)
    (tmp_path / "images" / "web" / "link").symlink_to("bin")
    Images(tmp_path / "images", "w1").copy("web", tmp_path / "work")
    assert (tmp_path / "work" / "bin").is_dir()
    assert (tmp_path / "work" / "link").readlink() == Path("bin")


def test_the_host_is_an_image_without_files(tmp_path: Path) -> None:
    Images(tmp_path / "images", "w1").copy("host", tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []


def test_an_unknown_image_is_told_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailure, match="image web is not on node w1: the process runtime runs the image 'host'"):
        Images(tmp_path, "w1").locate("web")


def test_named_volumes_of_two_clusters_are_two(tmp_path: Path) -> None:
    for n, cluster in enumerate((CLUSTER, "fedcba9876543210")):
        work = tmp_path / f"work{n}"
        work.mkdir()
        Volumes(tmp_path / "volumes", cluster, "w1").link(a_spec(Volume("data", "/var/data")), work)
        (work / "var" / "data" / f"file{n}").touch()
    folders = sorted((tmp_path / "volumes").iterdir())
    assert [[file.name for file in folder.iterdir()] for folder in folders] == [["file0"], ["file1"]]


def test_a_volume_replaces_a_file_or_link_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "data").symlink_to("/nowhere")
    Volumes(tmp_path / "volumes", CLUSTER, "w1").link(a_spec(Volume("data", "/data")), tmp_path / "work")
    assert (tmp_path / "work" / "data").is_dir()


def test_a_volume_within_another_is_refused(tmp_path: Path) -> None:
    spec = a_spec(Volume("inner", "/data/inner"), Volume("outer", "/data"))
    with pytest.raises(RuntimeFailure, match="has volume /data/inner within another volume") as failure:
        Volumes(tmp_path, CLUSTER, "w1").check(spec)
    assert failure.value.reason == "start-failed"


def test_the_services_command_wins_over_the_images(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    assert command_of(a_spec(command=("serve",)), tmp_path) == ("serve",)
    assert command_of(a_spec(), tmp_path) == ("./run",)


def test_neither_gives_a_command(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailure, match="image web has no command of its own"):
        command_of(a_spec(), tmp_path)
