"""The cluster.yaml of a machine is the operator's, but for what is the operator's own."""

from pathlib import Path

from okube.config import load_cluster
from okube.config.yamldoc import load_documents
from okube.install.machinefile import INSTALLED_BY, machine_file

OPERATORS = """
cluster: lab
data_dir: here
key_dir: ~/keys
ssh: {user: ops}
install: {docker: present}
managers:
  - {name: m1, host: 192.0.2.11, port: 7101, ssh: {port: 2222}}
workers:
  - {name: w1, host: 192.0.2.21, port: 7201, zone: rack-a, labels: {disk: ssd, "on": "yes"}}
timing: {heartbeat: 1.5s}
"""


def _of(text: str) -> str:
    (document,) = load_documents(text)
    return machine_file(document).decode()


def test_it_is_read_as_the_same_cluster_with_the_folders_of_a_machine(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(_of(OPERATORS))
    config = load_cluster(path)
    assert (config.cluster, str(config.data_dir), str(config.key_dir)) == ("lab", "/var/lib/okube", "/etc/okube/keys")
    assert [m.name for m in config.managers] == ["m1"]
    assert config.workers[0].labels == {"disk": "ssd", "on": "yes"}
    assert config.timing.heartbeat == 1.5


def test_it_says_nothing_of_ssh_and_who_wrote_it() -> None:
    text = _of(OPERATORS)
    assert "ssh" not in text.split("managers", 1)[1].replace("ssd", "")
    assert "ops" not in text and "2222" not in text
    assert text.startswith(INSTALLED_BY)


def test_what_it_is_derived_from_may_be_written_differently() -> None:
    assert _of(OPERATORS) == _of(OPERATORS.replace("{user: ops}", "{user: root}").replace("timing", "# slow\ntiming"))
