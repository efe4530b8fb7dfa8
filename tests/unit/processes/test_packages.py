import os
import stat
from pathlib import Path

import pytest

from okube.processes.packages import InstallFailed, can_install, install_packages

APT = """#!/bin/sh
echo "$@" >> {calls}
[ "$2" = update ] && touch {lists}
[ -e {lists} ] && [ -z "{fails}" ] || {{ echo 'E: Unable to locate package floppy' >&2; exit 100; }}
"""


def apt(folder: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool = False) -> Path:
    program = folder / "apt-get"
    program.write_text(APT.format(calls=folder / "calls", lists=folder / "lists", fails="yes" if fails else ""))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "calls"


def test_lists_are_brought_only_if_they_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = apt(tmp_path, monkeypatch)
    install_packages(["docker.io"])
    assert [line.split()[1] for line in calls.read_text().splitlines()] == ["install", "update", "install"]
    install_packages(["docker.io"])
    assert len(calls.read_text().splitlines()) == 4


def test_a_refusal_tells_what_apt_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt(tmp_path, monkeypatch, fails=True)
    with pytest.raises(InstallFailed, match="cannot install floppy: E: Unable to locate package floppy"):
        install_packages(["floppy"])


@pytest.mark.parametrize(
    ("text", "able"),
    [("ID=debian\n", True), ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True), ("ID=fedora\n", False), ("", False)],
)
def test_only_debian_and_its_kin_have_these_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, able: bool
) -> None:
    apt(tmp_path, monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    release = tmp_path / "os-release"
    release.write_text(text)
    assert can_install(release) is able


def test_only_root_can_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt(tmp_path, monkeypatch)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    release = tmp_path / "os-release"
    release.write_text("ID=debian\n")
    assert not can_install(release)
