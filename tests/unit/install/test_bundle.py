"""A bundle's manifest says what is in it, and for which machines."""

import os
from pathlib import Path

import pytest

from okube.install.bundle import find_bundle, read_manifest, write_bundle
from okube.model.errors import BadFile
from okube.model.versions import COMMAND_VERSION


def _wheels(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
    return [folder / name for name in names]


def test_the_manifest_names_the_version_the_wheels_and_who_takes_them(tmp_path: Path) -> None:
    one = _wheels(tmp_path / "1", "okube-0.1.0-py3-none-any.whl", "click-8-py3-none-any.whl")
    two = _wheels(tmp_path / "2", "okube-0.1.0-py3-none-any.whl", "numpy-2-cp312-cp312-manylinux_2_28_x86_64.whl")
    manifest = read_manifest(write_bundle({"3.11": one, "3.12": two}, tmp_path / "dist"))
    assert (manifest.version, manifest.command_version) == ("0.1.0", COMMAND_VERSION)
    assert len(manifest.wheels) == 3
    (new,) = [target for name, target in manifest.targets.items() if name.startswith("3.12-")]
    assert new.glibc == "2.28"
    assert new.wheels == tuple(sorted(path.name for path in two))
    (old,) = [target for name, target in manifest.targets.items() if name.startswith("3.11-")]
    assert old.glibc == "2.17"


def test_a_wheel_of_several_tags_runs_with_the_oldest_of_them(tmp_path: Path) -> None:
    wheels = _wheels(
        tmp_path, "okube-1-py3-none-any.whl", "n-2-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl"
    )
    (target,) = read_manifest(write_bundle({"3.11": wheels}, tmp_path / "dist")).targets.values()
    assert target.glibc == "2.27"


def test_equal_wheels_make_an_equal_file(tmp_path: Path) -> None:
    wheels = _wheels(tmp_path / "1", "okube-0.1.0-py3-none-any.whl", "click-8-py3-none-any.whl")
    again = _wheels(tmp_path / "2", "okube-0.1.0-py3-none-any.whl", "click-8-py3-none-any.whl")
    first = write_bundle({"3.11": wheels}, tmp_path / "dist1").read_bytes()
    assert write_bundle({"3.11": list(reversed(again))}, tmp_path / "dist2").read_bytes() == first


def test_what_is_no_bundle_cannot_be_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "okube-1-bundle.tar.gz").write_bytes(b"no tar")
    for name in ("okube-1-bundle.tar.gz", "missing"):
        with pytest.raises(BadFile, match=name):
            read_manifest(tmp_path / name)


def test_the_newest_bundle_of_the_first_folder_that_has_one_is_found(tmp_path: Path) -> None:
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    old = write_bundle({"3.11": _wheels(tmp_path / "1", "okube-0.1.0-py3-none-any.whl")}, full)
    new = write_bundle({"3.11": _wheels(tmp_path / "2", "okube-0.0.9-py3-none-any.whl")}, full)
    os.utime(old, (1, 1))
    assert find_bundle([empty, tmp_path / "missing", full]) == new
    assert find_bundle([empty]) is None
