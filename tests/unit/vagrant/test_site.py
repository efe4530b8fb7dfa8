from pathlib import Path

import pytest

from okube.model.errors import BadFile, InvalidInput
from tests.unit.vagrant.conftest import MakeLab, a_cluster
from vagrant.site import FOLDER, Site, lab_file, name_of, read_site, vagrants_own


def test_entries_with_one_host_are_one_machine_named_after_the_first(site: Site) -> None:
    assert [(name_of(each), each.host, each.names) for each in site.machines] == [
        ("m1", "198.18.5.11", ("m1",)),
        ("m2", "198.18.5.12", ("m2", "w1")),
        ("w2", "198.18.5.13", ("w2",)),
    ]


def test_a_machine_is_found_by_the_name_of_any_of_its_processes(site: Site) -> None:
    assert site.machine("w1") == site.machine("m2")


def test_a_name_that_is_on_no_machine_is_answered_with_the_machines(site: Site) -> None:
    with pytest.raises(BadFile, match="puts w9 on no machine; they are m1, m2, w2"):
        site.machine("w9")


def test_the_lab_file_is_the_one_beside_the_vagrantfile_unless_another_is_named() -> None:
    assert lab_file({}) == FOLDER / "lab.yaml"
    assert lab_file({"OKUBE_LAB": "emulated.yaml"}) == FOLDER / "emulated.yaml"
    assert lab_file({"OKUBE_LAB": "/somewhere/lab.yaml"}) == Path("/somewhere/lab.yaml")


def test_a_lab_file_that_is_not_there_is_an_error_that_names_it() -> None:
    with pytest.raises(BadFile, match=r"nowhere\.yaml cannot be read"):
        read_site({"OKUBE_LAB": "nowhere.yaml"})


def test_what_is_wrong_with_the_clusters_file_is_said_as_okube_says_it(make_lab: MakeLab) -> None:
    with pytest.raises(InvalidInput, match=r"cluster.yaml:.*managrs"):
        read_site({"OKUBE_LAB": str(make_lab(a_cluster(managrs=[])))})


@pytest.mark.parametrize("name", ["lab.yaml", "emulated.yaml"])
def test_the_labs_that_come_with_okube_are_such_as_okube_reads(name: str) -> None:
    site = read_site({"OKUBE_LAB": name})
    assert FOLDER / ".lab" in site.config.data_dir.parents
    assert site.config.key_dir is not None
    assert FOLDER / ".lab" in site.config.key_dir.parents
    assert all(FOLDER / ".lab" in machine.access.known_hosts.parents for machine in site.machines)
    assert not site.config.warnings


def test_the_machines_that_vagrant_has_made_are_read_from_its_notes(tmp_path: Path) -> None:
    for name in ("m1", "w2"):
        (tmp_path / "machines" / name / "libvirt").mkdir(parents=True)
    (tmp_path / "machines" / "w2" / "libvirt" / "id").write_text("some-id")
    assert vagrants_own({"VAGRANT_DOTFILE_PATH": str(tmp_path)}) == {"w2"}
