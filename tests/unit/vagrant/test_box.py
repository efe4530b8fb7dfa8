"""The scripts that make machines, as far as they can be looked at without one."""

import os
import subprocess
from pathlib import Path

import pytest

from vagrant.emulation import QEMU_CONF, namespaces_command
from vagrant.site import FOLDER


@pytest.mark.parametrize("script", ["box/build", "lab"])
def test_scripts_are_whole_and_may_be_run(script: str) -> None:
    path = FOLDER / script
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


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
