"""What an operator meets: machines with something wrong, a machine that is off, a release that does not start."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.lab.cluster import Finished
from tests.lab.rack.admin import Admin
from tests.lab.rack.bundles import BROKEN, next_bundle, this_bundle, unpacked
from tests.lab.rack.description import describe
from tests.lab.rack.host import Host
from tests.lab.rack.keys import new_key
from tests.lab.rack.rack import Rack


class Refused(msgspec.Struct):
    """One installation on machines that are all wrong, each in its own way."""

    rack: Rack
    done: Finished
    left: str


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return this_bundle(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def refused(bundle: Path) -> Iterator[Refused]:
    with Rack(["key", "guest", "port", "twin1", "twin2"], engines=[]) as rack:
        described: dict[str, Any] = describe(rack, ["key", "guest", "port"], ["port", "twin1", "twin2"])
        described["managers"][1]["ssh"] = {"user": "guest"}
        _know_another_key(rack, "key")
        rack["twin2"].run("sh", "-c", "cat > /etc/machine-id", stdin=rack["twin1"].run("cat", "/etc/machine-id").stdout)
        rack["twin2"].run("hostname", "twin1")
        with _somebody_listens(rack["port"], 7101):
            done = Admin(rack, described).okube("cluster", "install", "--bundle", str(bundle))
        left = "".join(host.run("ls", "-A", "/opt", "/etc/okube").stdout for host in rack.hosts.values())
        yield Refused(rack, done, left)


@contextmanager
def _somebody_listens(host: Host, port: int) -> Iterator[None]:
    program = f"import socket; s = socket.create_server(('', {port})); print('listens', flush=True); s.accept()"
    words = host.command("python3", "-c", program)
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as listening:
        try:
            assert listening.stdout is not None and listening.stdout.readline() == "listens\n"
            yield
        finally:
            listening.kill()


def _know_another_key(rack: Rack, name: str) -> None:
    """The operator has met a machine at that address that had another key."""
    address = rack[name].address
    lines = [line for line in rack.known_hosts.read_text().splitlines() if line.split()[0] != address]
    rack.known_hosts.write_text("\n".join([*lines, f"{address} {new_key().public}", ""]))


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_changed_anywhere(refused: Refused) -> None:
    assert refused.done.status == 1, refused.done
    assert "nothing was changed" in refused.done.err
    assert refused.left.replace("/opt:", "").replace("/etc/okube:", "").split() == []


def test_a_host_with_another_key_than_it_had_is_not_logged_in_to(refused: Refused) -> None:
    assert f"root@{refused.rack['key'].address} shows another host key than" in _in_a_line(refused)


def test_who_may_not_become_root_is_told_how_to(refused: Refused) -> None:
    said = _in_a_line(refused)
    assert f"guest is not root on {refused.rack['guest'].address}, and may not become it with sudo" in said
    assert "guest ALL=(ALL) NOPASSWD: ALL" in said


def test_a_port_that_is_taken_is_told_with_who_has_it(refused: Refused) -> None:
    assert f"{refused.rack['port'].address}: port 7101 of port is taken by python3 -c" in _in_a_line(refused)


def test_a_worker_s_machine_without_docker_is_told_how_it_gets_it(refused: Refused) -> None:
    said = _in_a_line(refused)
    assert f"{refused.rack['port'].address}: no Docker Engine answers at" in said
    assert "install: {docker: distribution}" in said


def test_two_machines_with_one_id_or_one_name_are_told_from_each_other_by_nobody(refused: Refused) -> None:
    twins = f"{refused.rack['twin1'].address} and {refused.rack['twin2'].address}"
    said = _in_a_line(refused)
    assert f"{twins} have the same /etc/machine-id" in said
    assert f"{twins} are all named twin1" in said


def _in_a_line(refused: Refused) -> str:
    return " ".join(refused.done.err.split())


class Three(msgspec.Struct):
    """Three managers, of which one was off when the others were installed; and what was said of it."""

    admin: Admin
    without: Finished
    partial: Finished
    states: dict[str, str]
    rest: Finished
    broken: Path


@pytest.fixture(scope="module")
def three(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Three]:
    folder = tmp_path_factory.mktemp("three")
    broken = next_bundle(bundle, folder / "next", "0.2.0", start=BROKEN)
    software = unpacked([bundle, broken], folder / "versions")
    with Rack(["m1", "m2", "m3"], engines=[], software=software) as rack:
        admin = Admin(rack, describe(rack, ["m1", "m2", "m3"], ["m1", "m3"], runtime="process"))
        rack.power_off("m3")
        words = ("cluster", "install", "--bundle", str(bundle))
        without = admin.okube(*words)
        partial = admin.ok(*words, "--partial")
        states = _states(admin)
        rack.power_on("m3")
        yield Three(admin, without, partial, states, admin.ok(*words), broken)


def _states(admin: Admin) -> dict[str, str]:
    return {manager["name"]: manager["state"] for manager in admin.json("status")["managers"]}


def test_with_a_machine_off_nothing_is_installed_unless_that_is_wanted(three: Three) -> None:
    assert three.without.status == 1
    assert "--partial" in three.without.err
    assert three.states == {"m1": "ready", "m2": "ready", "m3": "down"}
    assert f"left out: root@{three.admin.rack['m3'].address}" in three.partial.err


def test_a_machine_that_was_left_out_is_installed_when_it_is_on(three: Three) -> None:
    assert three.rest.out.count("starts m3") == 2, three.rest  # the manager and the worker
    assert "starts m1" not in three.rest.out
    three.admin.wait(three.admin.healthy, "all are ready")


def test_a_release_that_does_not_start_is_put_back_at_the_first_manager_and_goes_no_further(three: Three) -> None:
    admin = three.admin
    admin.wait(admin.healthy, "all are ready")
    done = admin.okube("cluster", "upgrade", "--bundle", str(three.broken), "--timeout", "20s")
    assert done.status == 1, done
    assert "this version does not start" in done.err + done.out
    admin.wait(admin.healthy, "the cluster is as it was")
    running = {manager["software"] for manager in admin.json("status")["managers"]}
    running |= {node["software"] for node in admin.json("nodes")}
    assert running == {"0.1.0"}
