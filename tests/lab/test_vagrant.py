"""The lab of virtual machines, as far as no virtual machine is needed: Vagrant's view of it, and its scenarios."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from okube.processes.image import make_image_folder
from okube.security import ClusterFiles
from tests.lab.cluster import Cluster
from tests.lab.hosts import Hosts
from vagrant.scenarios import Lab, cut_network, kill_manager, lose_worker
from vagrant.site import FOLDER, read_site
from vagrant.transcript import Transcript

_ROOT = Path(__file__).parents[2]
needs_vagrant = pytest.mark.skipif(
    shutil.which("vagrant") is None and "CI" not in os.environ, reason="there is no vagrant; 'make test' installs it"
)


def vagrant(folder: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """A command of Vagrant on the lab's file, with a home of its own."""
    own = {"VAGRANT_HOME": str(folder / "home"), "VAGRANT_DOTFILE_PATH": str(folder / "dot"), "HOME": str(folder)}
    return subprocess.run(
        ["vagrant", *words],
        cwd=FOLDER,
        env={**os.environ, **own, "VAGRANT_CHECKPOINT_DISABLE": "1", "VAGRANT_NO_COLOR": "1", **env},
        capture_output=True,
        text=True,
        check=False,
    )


@needs_vagrant
@pytest.mark.parametrize(
    ("lab", "provider"), [("lab.yaml", "libvirt"), ("emulated.yaml", "libvirt"), ("lab.yaml", "virtualbox")]
)
def test_vagrant_and_its_provider_find_nothing_wrong_with_the_lab(tmp_path: Path, lab: str, provider: str) -> None:
    done = vagrant(tmp_path, "validate", OKUBE_LAB=lab, VAGRANT_DEFAULT_PROVIDER=provider, PATH=_with_vbox(tmp_path))
    assert done.returncode == 0, done
    assert "validated successfully" in done.stdout


def _with_vbox(folder: Path) -> str:
    """A PATH with a VirtualBox that tells its version: the provider asks for no more before it looks at settings."""
    program = folder / "bin" / "VBoxManage"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 7.0.20r163906\n")
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


@needs_vagrant
def test_a_lab_that_cannot_be_is_a_sentence_and_no_trace(tmp_path: Path) -> None:
    done = vagrant(tmp_path, "validate", OKUBE_LAB=str(tmp_path / "nowhere.yaml"))
    assert done.returncode != 0
    assert "There is no lab to bring up." in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert ".rb:" not in done.stderr


@needs_vagrant
def test_vagrant_has_this_host_forget_a_machine_that_it_destroys(tmp_path: Path) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text("cluster: one.yaml\n")
    (tmp_path / "one.yaml").write_text("cluster: one\nmanagers:\n  - {name: m1, host: 198.18.5.11, port: 7101}\n")
    done = vagrant(
        tmp_path,
        "destroy",
        "--force",
        OKUBE_LAB=str(lab),
        VAGRANT_DEFAULT_PROVIDER="virtualbox",
        PATH=_with_vbox(tmp_path),
    )
    assert done.returncode == 0, done
    assert f"{FOLDER}/lab forget m1" in done.stdout


class NetworkHosts:
    """Machines as network namespaces: their power is that of the manager or worker, their cable the lab's."""

    def __init__(self, cluster: Cluster, hosts: Hosts) -> None:
        self._cluster = cluster
        self._hosts = hosts

    def power_off(self, name: str) -> None:
        self._cluster.kill(name)

    def power_on(self, name: str) -> None:
        self._cluster.bring_up(name)

    def cut(self, name: str) -> None:
        self._hosts.unplug(name)

    def heal(self, name: str) -> None:
        self._hosts.plug(name)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three managers and two workers on hosts of their own, with the demo's app."""
    hosts = Hosts(["m1", "m2", "m3", "w1", "w2"])
    try:
        cluster = Cluster(tmp_path_factory.mktemp("vagrant"), runtime="process", workers=2, hosts=hosts)
        try:
            cluster.up()
            for name in cluster.workers:
                make_image_folder(ClusterFiles(cluster.data_dir).process(name).state / "images")
            cluster.ok("apply", "-f", str(_ROOT / "examples" / "demo.yaml"))
            site = read_site({"OKUBE_LAB": str(_lab_file(cluster))})
            transcript = Transcript(cluster.folder, cluster.env())
            yield Lab(site, NetworkHosts(cluster, hosts), transcript, okube=cluster.command_path(), patience_s=60)
        finally:
            cluster.destroy()
    finally:
        hosts.destroy()


def _lab_file(cluster: Cluster) -> Path:
    path = cluster.folder / "lab.yaml"
    path.write_text(f"cluster: {cluster.config}\n")
    return path


def test_the_scenario_of_a_killed_manager_ends_with_a_whole_cluster(lab: Lab) -> None:
    kill_manager(lab)
    assert any("another manager leads" in line for line in lab.transcript.lines)


def test_the_scenario_of_a_lost_worker_ends_with_a_whole_cluster(lab: Lab) -> None:
    lose_worker(lab)


def test_the_scenario_of_a_cut_network_ends_with_a_whole_cluster(lab: Lab) -> None:
    cut_network(lab)
