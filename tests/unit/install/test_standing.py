"""How an installed machine stands."""

from typing import Any

import msgspec

from okube.config import ClusterConfig, Timing
from okube.install.facts import Facts, Output
from okube.install.facts import Path as Found
from okube.install.findings import Finding
from okube.install.inventory import machines_of
from okube.install.plan import plan_machine
from okube.install.standing import check_standing
from tests.unit.install.rack import a_cluster, healthy
from tests.unit.install.test_plan import RELEASE, after, desired

FILE = b"cluster: lab\n"


def installed(config: ClusterConfig) -> dict[str, Facts]:
    found = {}
    for machine in machines_of(config):
        trees = dict.fromkeys(machine.names, b"")
        facts = healthy(machine, config)
        found[machine.host] = after(plan_machine(machine, facts, desired(config, trees=trees)), facts)
    return found


def findings(config: ClusterConfig, facts: dict[str, Facts], file: bytes = FILE) -> list[Finding]:
    return check_standing(machines_of(config), facts, config, file)


def with_unit(facts: Facts, **states: Any) -> Facts:
    out = facts.commands["systemd"].out
    for key, value in states.items():
        first, _, rest = out.partition(f"\n{key}=")
        out = f"{first}\n{key}={value}\n{rest.partition(chr(10))[2]}"
    return msgspec.structs.replace(facts, commands={"systemd": Output(0, out)})


def test_nothing_is_said_of_machines_where_all_runs_as_it_should() -> None:
    config = a_cluster()
    assert findings(config, installed(config)) == []


def test_a_process_that_failed_is_told_with_where_to_look() -> None:
    config = a_cluster()
    facts = installed(config)
    facts["192.0.2.11"] = with_unit(facts["192.0.2.11"], ActiveState="failed", Result="exit-code")
    (found,) = [each for each in findings(config, facts) if each.severity == "error"]
    assert found.what == "m1 does not run: its unit is failed (exit-code)"
    assert "journalctl -u okube-manager-m1.service" in found.advice


def test_a_process_that_was_often_started_again_is_a_warning() -> None:
    config = a_cluster()
    facts = installed(config)
    facts["192.0.2.11"] = with_unit(facts["192.0.2.11"], NRestarts=17)
    assert [each.what for each in findings(config, facts)] == ["m1 had to be started again 17 times"]


def test_a_machine_on_which_nothing_was_installed_is_told() -> None:
    config = a_cluster()
    facts = installed(config)
    facts["192.0.2.12"] = healthy(machines_of(config)[1], config)
    assert [each.what for each in findings(config, facts)] == ["m2 is not installed", "w2 is not installed"]


def test_other_settings_than_the_machine_has_are_told() -> None:
    config = a_cluster()
    changed = msgspec.structs.replace(config, timing=Timing(election=2.0))
    told = findings(changed, installed(config), b"cluster: lab\ntiming: {election: 2s}\n")
    assert {each.severity for each in told} == {"warning"}
    assert "changes /etc/okube/cluster.yaml" in told[0].what
    assert "restarts m1: its settings have changed" in told[0].what


def test_several_releases_are_told_with_who_runs_which() -> None:
    config = a_cluster()
    facts = installed(config)
    unit = "/etc/systemd/system/okube-manager-m1.service"
    first = facts["192.0.2.11"]
    text = (first.contents[unit] or "").replace(RELEASE, "0.2.0-00000000")
    facts["192.0.2.11"] = msgspec.structs.replace(first, contents={**first.contents, unit: text})
    (found,) = findings(config, facts)
    assert found.what == f"several releases are in use ({RELEASE}: w1, m2, w2, m3, w3; 0.2.0-00000000: m1)"


def test_a_manager_that_was_removed_is_told_and_not_missed() -> None:
    config = a_cluster()
    facts = installed(config)
    first = with_unit(facts["192.0.2.11"], ActiveState="inactive")
    removed = {"/var/lib/okube/m1/removed": Found("file")}
    facts["192.0.2.11"] = msgspec.structs.replace(first, files={**first.files, **removed})
    (found,) = findings(config, facts)
    assert found.what.startswith("m1 was removed from the cluster")
