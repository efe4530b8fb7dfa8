"""Hosts: what each has of its own, and what a power cut takes."""

import contextlib
import subprocess
from pathlib import Path

import pytest

from okube.worker.runtime.docker.transport import connect
from tests.lab.engine import IMAGE, wait_until
from tests.lab.rack.rack import Rack


def over_ssh(rack: Rack, host: str, *words: str, user: str = "root") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(rack.ssh(host, *words, user=user), capture_output=True, text=True, timeout=30, check=False)


def test_the_operator_logs_in_with_the_key_and_finds_a_machine_with_a_name_of_its_own(two_hosts: Rack) -> None:
    for name in ("a", "b"):
        done = over_ssh(
            two_hosts, name, "hostname; cat /etc/machine-id; ls -A /opt /etc/okube; python3 -c 'print(6 * 7)'"
        )
        assert done.stdout.split()[0] == name, done
        assert done.stdout.split()[-1] == "42"
    ids = {two_hosts[name].run("cat", "/etc/machine-id").stdout for name in ("a", "b")}
    assert len(ids | {Path("/etc/machine-id").read_text()}) == 3


def test_who_has_no_key_is_not_let_in(two_hosts: Rack, tmp_path: Path) -> None:
    words = [word if word != str(two_hosts.identity) else str(tmp_path / "none") for word in two_hosts.ssh("a", "true")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 255
    assert "Permission denied (publickey)" in done.stderr


def test_one_user_may_become_root_without_a_password_and_one_may_not(two_hosts: Rack) -> None:
    assert over_ssh(two_hosts, "b", "sudo", "-n", "id", "-u", user="ops").stdout == "0\n"
    assert over_ssh(two_hosts, "b", "sudo", "-n", "id", "-u", user="guest").returncode == 1


def test_what_a_host_writes_is_on_no_other_and_not_on_this_machine(two_hosts: Rack) -> None:
    files = ["/etc/okube-was-here", "/usr/local/bin/okube-was-here", "/var/lib/okube-was-here", "/tmp/okube-was-here"]
    two_hosts["a"].run("touch", *files)
    for path in files:
        assert two_hosts["a"].path(path).exists()
        assert not two_hosts["b"].path(path).exists()
        assert not Path(path).exists()


def test_an_engine_is_a_hosts_own(two_hosts: Rack) -> None:
    assert two_hosts["b"].run("sh", "-c", "command -v dockerd", check=False).returncode == 127
    with contextlib.closing(connect(two_hosts["a"].engine_url, timeout_s=30)) as client:
        made = client.create_container(IMAGE, ["sleep", "600"])
        client.start(made["Id"])
    assert two_hosts["a"].run("docker", "ps", "-q").stdout.strip() == made["Id"][:12]


def test_hosts_reach_each_other_until_a_cable_is_pulled(two_hosts: Rack) -> None:
    ping = ["busybox", "ping", "-c", "1", "-W", "1", two_hosts["b"].address]
    two_hosts["a"].run(*ping)
    two_hosts.unplug("b")
    assert two_hosts["a"].run(*ping, check=False).returncode == 1
    two_hosts.plug("b")
    wait_until(lambda: two_hosts["a"].run(*ping, check=False).returncode == 0, "the cable carries again")


def test_a_power_cut_ends_all_that_runs_and_keeps_the_disk(two_hosts: Rack) -> None:
    host = two_hosts["a"]
    host.run("sh", "-c", "echo kept > /var/lib/kept; echo lost > /run/lost; sync")
    with contextlib.closing(connect(host.engine_url, timeout_s=30)) as client:
        made = client.create_container(IMAGE, ["sleep", "700"])
        client.start(made["Id"])
        pid = client.inspect_container(made["Id"])["State"]["Pid"]
    assert host.path(f"/proc/{pid}").exists()
    two_hosts.power_off("a")
    with pytest.raises(AssertionError, match="a is off"):
        host.command("true")
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x00700" in _read(p)]
    two_hosts.power_on("a")
    assert host.run("cat", "/var/lib/kept").stdout == "kept\n"
    assert host.run("ls", "/run/lost", check=False).returncode == 2
    assert host.run("docker", "ps", "-aq", "--filter", "status=exited").stdout.strip() != ""


def test_a_rack_leaves_nothing(tmp_path: Path) -> None:
    with Rack(["gone"], engines=[], systemd=True) as rack:
        folder, namespace = rack.folder, rack.network.namespace("gone")
        assert rack["gone"].run("test", "-d", "/run/systemd/system")
        assert namespace.exists()
    assert not folder.exists()
    assert not namespace.exists()
    assert str(folder) not in Path("/proc/self/mounts").read_text()
    assert list(Path("/sys/fs/cgroup").rglob("okube-rack/*-gone")) == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
