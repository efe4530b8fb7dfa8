"""What stands in the way of an installation on one machine."""

from typing import Any, ClassVar

import msgspec
import pytest

from okube.config import ClusterConfig, InstallConfig
from okube.install.facts import Disk, Engine, Facts, Output, Port, Python
from okube.install.findings import Finding
from okube.install.preflight import Wanted, check_machine, python_for
from tests.unit.install.rack import GIB, a_cluster, healthy, the_first

DATA = "/var/lib/okube"
OLD = Python("/usr/bin/python3", (3, 9, 2), libc="2.31")
NEW = Python("/usr/bin/python3.12", (3, 12, 1), libc="2.36")


def findings(
    config: ClusterConfig | None = None, *, wanted: dict[str, Any] | None = None, **facts: Any
) -> list[Finding]:
    config = config or a_cluster()
    machine = the_first(config)
    return check_machine(machine, healthy(machine, config, **facts), Wanted(config=config, **(wanted or {})))


def only(found: list[Finding]) -> Finding:
    assert len(found) == 1, found
    return found[0]


def test_nothing_is_said_of_a_machine_where_all_is_well() -> None:
    assert findings() == []


def test_who_is_not_root_cannot_install() -> None:
    assert "not root" in only(findings(is_root=False)).what


def test_a_machine_without_systemd_is_refused() -> None:
    assert "no systemd" in only(findings(init="none")).what


def test_a_machine_that_does_not_tell_what_runs_is_refused() -> None:
    found = only(findings(commands={"systemd": Output(1, "Failed to connect to bus:\n Host is down\n")}))
    assert found.what == "it does not tell which services run: Failed to connect to bus: Host is down"


def test_a_python_that_is_too_old_is_told_with_its_version() -> None:
    found = only(findings(pythons=(OLD,)))
    assert (found.severity, found.what) == ("error", "no Python that will do (it has 3.9.2)")


def test_a_newer_python_beside_an_old_one_will_do() -> None:
    assert findings(pythons=(OLD, NEW)) == []


def test_a_bundle_without_wheels_for_the_machine_is_told_what_it_has() -> None:
    found = only(findings(wanted={"targets": {"3.12-x86_64": "2.17"}}))
    assert "Python 3.11.2, x86_64, glibc 2.36" in found.what
    assert "3.12-x86_64" in found.what


def test_of_the_pythons_that_the_bundle_serves_the_newest_is_taken() -> None:
    config = a_cluster()
    facts = healthy(the_first(config), config)
    facts = msgspec.structs.replace(facts, pythons=(*facts.pythons, NEW))
    assert python_for(facts, {}) == NEW
    assert python_for(facts, {"3.11-x86_64": "2.17"}) == facts.pythons[0]
    assert python_for(facts, {"3.11-x86_64": "2.40"}) is None


@pytest.mark.parametrize(
    ("disk", "severity", "word"),
    [
        (Disk(GIB, 100 << 20), "error", "free below"),
        (Disk(GIB, GIB), "warning", "free below"),
        (Disk(9 * GIB, 8 * GIB, 100), "error", "inodes"),
        (Disk(9 * GIB, 8 * GIB, -1, "tmpfs"), "error", "in memory"),
        (Disk(9 * GIB, 8 * GIB, -1, "nfs4"), "warning", "network file system"),
        (Disk(9 * GIB, 8 * GIB, -1, "ext4", 45.0), "warning", "takes 45 ms"),
        (Disk(9 * GIB, 8 * GIB, problem="Read-only file system"), "error", "Read-only file system"),
    ],
)
def test_a_disk_that_will_not_do_is_told(disk: Disk, severity: str, word: str) -> None:
    found = only(findings(disks={DATA: disk}))
    assert found.severity == severity
    assert word in found.what


def test_little_memory_is_a_warning() -> None:
    assert only(findings(memory=256 << 20)).severity == "warning"


def test_a_port_that_another_program_has_is_told_with_its_name() -> None:
    ports = (Port("192.0.2.11", 7101, "Address already in use", True, "nginx: master process /usr/sbin/nginx"),)
    assert "port 7101 of m1 is taken by nginx: master" in only(findings(ports=ports)).what


def test_a_port_that_the_very_manager_has_is_no_trouble() -> None:
    holder = "/opt/okube/versions/1/bin/python -I /opt/okube/versions/1/bin/okube manager --name m1 --config /etc/okube"
    assert findings(ports=(Port("192.0.2.11", 7101, "Address already in use", True, holder),)) == []
    other = holder.replace("m1", "m2")
    assert only(findings(ports=(Port("192.0.2.11", 7101, "Address already in use", True, other),)))


def test_an_address_that_is_not_the_machines_is_told_once() -> None:
    ports = tuple(Port("192.0.2.11", port, "Cannot assign requested address") for port in (7101, 8101, 7201))
    assert "cannot listen at 192.0.2.11" in only(findings(ports=ports)).what


class TestEngine:
    NONE = Engine(problem="No such file or directory")
    NO_PROGRAMS: ClassVar[dict[str, str | None]] = {"apt-get": "/usr/bin/apt-get"}

    def test_one_that_is_installed_and_silent_is_an_error(self) -> None:
        assert "is installed and does not answer" in only(findings(engine=self.NONE)).what

    def test_none_is_an_error_where_docker_is_asked_for(self) -> None:
        found = only(findings(a_cluster(runtime="docker"), engine=self.NONE, programs=self.NO_PROGRAMS))
        assert found.severity == "error"
        assert "install: {docker: distribution}" in found.advice

    def test_none_is_a_warning_where_any_runtime_will_do(self) -> None:
        assert only(findings(engine=self.NONE, programs=self.NO_PROGRAMS)).severity == "warning"

    def test_none_is_fine_where_the_distributions_is_to_be_installed(self) -> None:
        config = a_cluster(install=InstallConfig(docker="distribution"))
        assert findings(config, engine=self.NONE, programs=self.NO_PROGRAMS) == []

    def test_a_system_without_apt_cannot_get_one(self) -> None:
        config = a_cluster(install=InstallConfig(docker="distribution"))
        assert "none from which it can be installed" in only(findings(config, engine=self.NONE, programs={})).what

    def test_the_package_apparmor_must_be_there_where_the_kernel_has_it(self) -> None:
        found = only(findings(programs={"dockerd": "/usr/sbin/dockerd"}))
        assert (found.severity, found.advice) == ("error", "apt-get install apparmor")
        assert findings(programs={"dockerd": "/usr/sbin/dockerd"}, apparmor=False) == []

    def test_nobody_asks_for_one_with_the_process_runtime(self) -> None:
        assert findings(a_cluster(runtime="process")) == []

    def test_one_that_cannot_limit_memory_is_a_warning(self) -> None:
        assert only(findings(engine=Engine(memory_limit=False))).severity == "warning"


class TestOtherClusters:
    SEED = '{"cluster":"lab","cluster_id":"abc","admin_token_sha256":"","members":[]}'

    def of(self, text: str | None, cluster_id: str | None) -> list[Finding]:
        return findings(contents={f"{DATA}/cluster.json": text}, wanted={"cluster_id": cluster_id})

    def test_the_same_cluster_is_fine(self) -> None:
        assert self.of(self.SEED, "abc") == []

    def test_another_one_is_refused(self) -> None:
        assert "another cluster, lab (abc)" in only(self.of(self.SEED, "xyz")).what

    def test_one_of_the_same_name_that_was_installed_from_elsewhere_is_told_so(self) -> None:
        assert "installed here already, from another folder" in only(self.of(self.SEED, None)).what

    def test_a_damaged_file_is_none_of_ours(self) -> None:
        assert only(self.of("{", "abc")).severity == "error"


def test_facts_are_read_from_what_a_machine_tells() -> None:
    config = a_cluster()
    facts = healthy(the_first(config), config)
    assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts
