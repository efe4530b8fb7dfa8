"""What no single machine shows."""

from typing import Any

import msgspec

from okube.install.findings import Finding
from okube.install.inventory import machines_of
from okube.install.preflight_all import check_together, clock_ahead
from tests.unit.install.rack import HOSTS, a_cluster, healthy


def findings(clocks: tuple[float, ...] = (0.0, 0.0, 0.0), **changes: Any) -> list[Finding]:
    """Of three machines, of which the first two have these facts in common."""
    config = a_cluster()
    machines = machines_of(config)
    facts = {machine.host: healthy(machine, config) for machine in machines}
    for host in HOSTS[:2]:
        facts[host] = msgspec.structs.replace(facts[host], **changes)
    return check_together(machines, facts, dict(zip(HOSTS, clocks, strict=True)))


def test_nothing_is_said_of_machines_that_differ() -> None:
    assert findings() == []


def test_two_machines_with_one_id_are_refused_with_how_to_renew_it() -> None:
    (found,) = findings(machine_id="b" * 32)
    assert found.severity == "error"
    assert found.what == "192.0.2.11 and 192.0.2.12 have the same /etc/machine-id"
    assert "systemd-machine-id-setup" in found.advice


def test_machines_without_an_id_are_warned_of() -> None:
    assert [found.severity for found in findings(machine_id="")] == ["warning", "warning"]


def test_two_machines_with_one_name_are_warned_of() -> None:
    (found,) = findings(hostname="server")
    assert (found.severity, found.what) == ("warning", "192.0.2.11 and 192.0.2.12 are all named server")


def test_a_clock_that_is_wrong_is_told_and_not_those_of_the_others() -> None:
    (found,) = findings(clocks=(0.1, 300.0, -0.1))
    assert (found.machine, found.severity, found.what) == (
        "192.0.2.12",
        "error",
        "its clock is 300 s ahead of the others'",
    )


def test_a_clock_that_is_a_little_wrong_is_a_warning() -> None:
    (found,) = findings(clocks=(0.1, -5.0, -0.1))
    assert (found.severity, found.what) == ("warning", "its clock is 5 s behind the others'")


def test_where_all_machines_agree_it_is_our_own_clock() -> None:
    (found,) = findings(clocks=(100.0, 100.2, 99.9))
    assert (found.machine, found.what) == ("", "the clock of this machine is 100 s behind the others'")


def test_what_a_slow_answer_explains_is_no_wrong_clock() -> None:
    assert clock_ahead(100.0, 101.0, 102.0, 105.0) == 0.0
    assert clock_ahead(100.0, 111.0, 112.0, 105.0) == 7.0
    assert clock_ahead(100.0, 91.0, 92.0, 105.0) == -9.0
