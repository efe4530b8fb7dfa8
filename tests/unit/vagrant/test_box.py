"""The scripts that make machines, as far as they can be looked at without one."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from vagrant.emulation import QEMU_CONF, namespaces_command
from vagrant.site import FOLDER


@pytest.mark.parametrize("script", ["box/build", "lab"])
def test_scripts_are_whole_and_may_be_run(script: str) -> None:
    path = FOLDER / script
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


_AS_FIRST = """
import ctypes, sys
from vagrant.reaper import run_as_first
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_AS_FIRST: what its children leave behind becomes its own
sys.exit(run_as_first(sys.argv[1:]))
"""


def test_every_machine_made_of_the_box_draws_an_identity_and_host_keys_of_its_own() -> None:
    build = (FOLDER / "box" / "build").read_text()
    assert ': >"$root/etc/machine-id"' in build
    assert 'ln -sf /etc/machine-id "$root/var/lib/dbus/machine-id"' in build
    assert "ssh_host_*" in build


def test_the_box_has_what_containers_need_to_start() -> None:
    words = (FOLDER / "box" / "build").read_text().split()
    assert {"docker.io", "apparmor", "iptables", "python3-venv"} <= set(words)


def test_an_emulated_lab_runs_apart_from_this_machine_and_ends_with_its_program(tmp_path: Path) -> None:
    command = namespaces_command(["sh", "-c", "echo $$"])
    assert {"--net", "--mount", "--pid", "--kill-child=KILL"} <= set(command)
    assert 'security_driver = "none"' in QEMU_CONF


def test_what_daemons_leave_behind_in_an_emulated_lab_does_not_stay_as_a_zombie() -> None:
    orphan = "(sleep 0.1 & echo $!) > {0}; while kill -0 $(cat {0}) 2>/dev/null; do sleep 0.05; done; exit 3"
    with tempfile.NamedTemporaryFile() as note:
        words = [sys.executable, "-c", _AS_FIRST, "sh", "-c", orphan.format(note.name)]
        assert subprocess.run(words, cwd=FOLDER.parent, check=False, timeout=60).returncode == 3
