"""What the Vagrantfile derives: ``lab.rb`` by itself, with Ruby and without Vagrant."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.vagrant.conftest import MakeLab, a_cluster
from vagrant.site import FOLDER, name_of, read_site

pytestmark = pytest.mark.skipif(
    shutil.which("ruby") is None and "CI" not in os.environ, reason="there is no ruby; 'make test' installs it"
)


def look_at(lab_file: Path) -> "subprocess.CompletedProcess[str]":
    words: list[str | Path] = ["ruby", "--disable=gems", FOLDER / "lab.rb", lab_file]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def derived(lab_file: Path) -> dict[str, Any]:
    done = look_at(lab_file)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def refused(lab_file: Path) -> str:
    done = look_at(lab_file)
    assert done.returncode == 1, done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def at(host: str) -> dict[str, Any]:
    return a_cluster(managers=[{"name": "m1", "host": host, "port": 7101}])


@pytest.mark.parametrize("name", ["lab.yaml", "emulated.yaml"])
def test_vagrant_sees_the_machines_that_okube_sees(name: str) -> None:
    assert [
        (each["name"], each["address"], (*each["managers"], *each["workers"]))
        for each in derived(FOLDER / name)["machines"]
    ] == [(name_of(each), each.host, each.names) for each in read_site({"OKUBE_LAB": name}).machines]


def test_managers_and_workers_with_one_host_share_a_machine(make_lab: MakeLab) -> None:
    assert [each["name"] for each in derived(make_lab())["machines"]] == ["m1", "m2", "w2"]


def test_sizes_are_those_of_the_machine_else_of_all_else_the_usual_ones(make_lab: MakeLab) -> None:
    lab = make_lab(machine={"memory": 2048}, machines={"w2": {"cpus": 4, "memory": 4096}})
    sizes = {each["name"]: (each["cpus"], each["memory"]) for each in derived(lab)["machines"]}
    assert sizes == {"m1": (1, 2048), "m2": (1, 2048), "w2": (4, 4096)}


def test_the_cpu_mode_follows_from_the_driver_unless_it_is_given(make_lab: MakeLab) -> None:
    assert derived(make_lab())["libvirt"] == {"driver": "kvm", "cpu_mode": "host-passthrough"}
    assert derived(make_lab(libvirt={"driver": "qemu"}))["libvirt"]["cpu_mode"] == "maximum"
    given = {"driver": "qemu", "cpu_mode": "custom"}
    assert derived(make_lab(libvirt=given))["libvirt"] == given


@pytest.mark.parametrize(
    ("lab", "said"),
    [
        ({"boxes": "x"}, "boxes is no key: cluster, box,"),
        ({"boot_timeout": "long"}, 'boot_timeout is "long", which is no Integer'),
        ({"machine": {"ram": 1}}, "machine.ram is no key: cpus, memory"),
        ({"machine": {"memory": 128}}, "m1 has 128 MiB of memory, and less than 512"),
        ({"machines": {"w9": {}}}, "machines.w9 is none: they are m1, m2, w2"),
        ({"libvirt": {"driver": "xen"}}, 'libvirt.driver is "xen": kvm, or qemu'),
        ({"cluster": "nowhere.yaml"}, "nowhere.yaml is not there"),
    ],
    ids=lambda case: "-".join(case) if isinstance(case, dict) else "",
)
def test_a_lab_file_that_cannot_be_meant_is_refused_in_a_sentence(
    make_lab: MakeLab, lab: dict[str, Any], said: str
) -> None:
    assert said in refused(make_lab(**lab))


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        (at("127.0.0.1"), "needs an IPv4 address of a private network"),
        (at("server-1.example.com"), "needs an IPv4 address of a private network"),
        (at("198.18.5.1"), "this host's own address in the lab's network"),
        (at("198.18.6.11"), "a lab has one network, a /24"),
        ({"cluster": "try", "managers": []}, "names no managers"),
        ({"cluster": "try", "managers": [{"name": "m1"}]}, "an entry of managers has no name or no host"),
    ],
    ids=["loopback", "name", "own", "two-networks", "none", "no-host"],
)
def test_a_cluster_that_is_no_lab_of_virtual_machines_is_refused_in_a_sentence(
    make_lab: MakeLab, cluster: dict[str, Any], said: str
) -> None:
    assert said in refused(make_lab(cluster))
