"""A release is made of a bundle, on a machine that has nothing but Python."""

import ast
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from okube.install import unpack as program
from okube.install.bundle import read_manifest, write_bundle
from okube.install.unpack import Refused, unpack

OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"


def a_wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    path = folder / f"{name}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, text in files.items():
            wheel.writestr(zipfile.ZipInfo(inside), text)
    return path


def a_bundle(folder: Path, python: str = OWN, *, version: str = "1.2.3", said: str = "it works") -> Path:
    """Of an okube that says something, and a library that it needs."""
    start = "from library import word\ndef main():\n    print(word)\n"
    okube = a_wheel(
        folder / "wheels",
        f"okube-{version}",
        {
            "okube/__init__.py": "",
            "okube/cli/__init__.py": "",
            "okube/cli/start.py": start,
            f"okube-{version}.dist-info/METADATA": f"Name: okube\nVersion: {version}\n",
        },
    )
    library = a_wheel(
        folder / "wheels",
        "library-1",
        {"library.py": f"word = {said!r}\n", "library-1.data/scripts/library": "#!python\n", "tests/bad.py": "("},
    )
    return write_bundle({python: [okube, library]}, folder / "dist")


def test_a_release_runs_from_its_own_folder(tmp_path: Path) -> None:
    done = unpack(a_bundle(tmp_path), tmp_path / "versions")
    assert (done["version"], done["changed"]) == ("1.2.3", True)
    command = tmp_path / "versions" / done["release"] / "bin" / "okube"
    assert subprocess.run([str(command)], capture_output=True, text=True, check=True).stdout == "it works\n"


def test_nothing_of_it_has_to_be_compiled_later_and_libraries_bring_no_commands(tmp_path: Path) -> None:
    done = unpack(a_bundle(tmp_path), tmp_path / "versions")
    release = tmp_path / "versions" / done["release"]
    assert list(release.glob("lib/*/site-packages/okube/cli/__pycache__/start.*.pyc"))
    assert not (release / "bin" / "library").exists()


def test_a_release_that_is_there_is_left_alone(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    first = unpack(bundle, tmp_path / "versions")
    assert unpack(bundle, tmp_path / "versions") == {**first, "changed": False}


def test_what_was_interrupted_is_begun_anew(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    half = tmp_path / "versions" / f".{read_manifest(bundle).release}.making"
    half.mkdir(parents=True)
    (half / "pyvenv.cfg").write_text("half of it")
    assert unpack(bundle, tmp_path / "versions")["changed"]
    assert not half.exists()


def test_another_content_of_the_same_version_is_another_release(tmp_path: Path) -> None:
    one, other = a_bundle(tmp_path / "1"), a_bundle(tmp_path / "2", said="it works better")
    assert read_manifest(one).version == read_manifest(other).version
    assert read_manifest(one).release != read_manifest(other).release


def test_a_python_that_the_bundle_is_not_for_is_named_with_those_that_it_is_for(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=rf"the bundle is for Python 3\.1-\S+ and this machine has .*cpython {OWN}"):
        unpack(a_bundle(tmp_path, python="3.1"), tmp_path / "versions")
    assert not (tmp_path / "versions").exists()


def test_a_damaged_bundle_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    whole = bundle.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 100):
        bundle.write_bytes(whole[:cut])
        with pytest.raises(Refused, match=r"okube-1\.2\.3-bundle"):
            unpack(bundle, tmp_path / "versions")
    assert not list(tmp_path.glob("versions/*"))


def test_a_wheel_that_is_not_the_one_of_the_manifest_is_refused(tmp_path: Path) -> None:
    bundle = a_bundle(tmp_path)
    forged = tmp_path / "forged.tar.gz"
    with tarfile.open(bundle) as old, tarfile.open(forged, "w:gz") as new:
        for member in old:
            file = old.extractfile(member)
            assert file is not None
            data = file.read().replace(b"it works", b"it burns")
            member.size = len(data)
            with (tmp_path / "data").open("w+b") as copy:
                copy.write(data)
                copy.seek(0)
                new.addfile(member, copy)
    with pytest.raises(Refused, match=r"library-1\S+ in the bundle is not what it was made of"):
        unpack(forged, tmp_path / "versions")


def test_a_wheel_that_would_write_elsewhere_is_refused(tmp_path: Path) -> None:
    wheel = a_wheel(tmp_path / "wheels", "okube-1.2.3", {"../../../../../elsewhere": "x"})
    bundle = write_bundle({OWN: [wheel]}, tmp_path / "dist")
    with pytest.raises(Refused, match="outside of its folder"):
        unpack(bundle, tmp_path / "versions")
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.tar.gz"
    with tarfile.open(other, "w:gz") as archive:
        archive.add(__file__, "README")
    with pytest.raises(Refused, match="is no bundle of Okube"):
        unpack(other, tmp_path / "versions")


def test_sent_to_a_python_it_answers_with_one_line(tmp_path: Path) -> None:
    source = Path(program.__file__).read_bytes()
    bundle = a_bundle(tmp_path)
    for changed in (True, False):
        done = subprocess.run(
            [sys.executable, "-", str(bundle), str(tmp_path / "versions")],
            input=source,
            capture_output=True,
            check=True,
        )
        assert json.loads(done.stdout) == {
            "ok": True,
            "release": read_manifest(bundle).release,
            "version": "1.2.3",
            "changed": changed,
        }
    done = subprocess.run([sys.executable, "-", "/nowhere"], input=source, capture_output=True)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"].startswith("/nowhere: No such file")


def test_the_program_can_be_read_by_an_old_python() -> None:
    ast.parse(Path(program.__file__).read_text(), feature_version=(3, 6))
