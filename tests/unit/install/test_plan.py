"""What is done to a machine, and that nothing is where nothing differs."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from okube.config import ClusterConfig, InstallConfig, Timing, WorkerConfig
from okube.install.facts import Engine, Facts, Output
from okube.install.facts import Path as Found
from okube.install.installed import entries_of
from okube.install.plan import Desired, Plan, plan_machine
from okube.install.steps import Account, File, Folder, Link, Packages, Run, Step, Tree
from okube.model.errors import NotFound
from okube.security.seed import Seed
from tests.unit.install.rack import a_cluster, healthy, the_first

RELEASE = "0.1.0-3fa9c1d2"
TREES = {"m1": b"tar of m1", "w1": b"tar of w1"}
RUNS = (
    "Id={unit}\nActiveState=active\nSubState=running\nUnitFileState=enabled\nMainPID=7\nNRestarts=0\nResult=success\n"
)


def desired(config: ClusterConfig, **changes: Any) -> Desired:
    wanted = Desired(
        config=config, cluster_file=b"cluster: lab\n", seed=b"{}", release=RELEASE, trees=TREES, authority=None
    )
    return msgspec.structs.replace(wanted, **changes)


def plan(config: ClusterConfig | None = None, *, facts: Mapping[str, Any] | None = None, **changes: Any) -> Plan:
    config = config or a_cluster()
    machine = the_first(config)
    return plan_machine(machine, healthy(machine, config, **(facts or {})), desired(config, **changes))


def after(plan: Plan, facts: Facts, *, running: bool = True) -> Facts:
    """The facts of a machine on which a plan was carried out: what its steps say is what is there."""
    files, contents = dict(facts.files), dict(facts.contents)
    starting = [step for start in (*plan.starts, *plan.restarts) for step in start.steps] if running else []
    for step in (*plan.before, *plan.layout, *starting):
        _do(step, files, contents)
    versions = dict.fromkeys(facts.entries, (RELEASE,))
    units = [entry.unit for entry in entries_of(plan.machine)] if running else []
    states = Output(0, "\n".join(RUNS.format(unit=unit) for unit in units))
    return msgspec.structs.replace(
        facts, files=files, contents=contents, entries=versions, users=("okube",), commands={"systemd": states}
    )


def _do(step: Step, files: dict[str, Found | None], contents: dict[str, str | None]) -> None:
    match step:
        case Folder():
            files[step.path] = Found("folder", step.mode, step.owner)
        case File():
            files[step.path] = Found("file", step.mode, step.owner, hashlib.sha256(step.content).hexdigest())
            contents[step.path] = step.content.decode()
        case Link():
            files[step.path] = Found("link", 0o777, "root", "", step.target)
        case Tree():
            role, name = ("manager" if step.owner == "okube" else "worker"), step.path.rpartition("/")[2]
            contents[f"{step.path}/identity.json"] = (
                f'{{"role":"{role}","cluster_id":"abc","name":"{name}","instance":"i"}}'
            )
        case _:
            pass


def again(config: ClusterConfig | None = None, *, second: ClusterConfig | None = None, running: bool = True) -> Plan:
    """The plan of a second run, after the first was carried out."""
    config = config or a_cluster()
    machine = the_first(config)
    facts = healthy(machine, config)
    first = plan_machine(machine, facts, desired(config))
    second = second or config
    return plan_machine(the_first(second), after(first, facts, running=running), desired(second))


def test_a_bare_machine_gets_software_settings_folders_units_and_starts() -> None:
    found = plan()
    assert found.release == RELEASE
    assert [type(step) for step in found.before] == [Account]
    assert found.sent == ("m1", "w1")
    assert [start.entry.name for start in found.starts] == ["m1", "w1"]
    assert found.restarts == ()
    kinds = [type(step) for step in found.layout]
    assert kinds.index(Folder) < kinds.index(File) < kinds.index(Tree) < kinds.index(Run) < kinds.index(Link)


def test_a_second_run_finds_nothing_to_do() -> None:
    assert again().is_nothing


def test_what_was_laid_out_and_not_started_is_started() -> None:
    found = again(running=False)
    assert [start.entry.name for start in found.starts] == ["m1", "w1"]
    assert (found.release, found.layout, found.sent) == (None, (), ())


def test_no_unit_starts_at_boot_before_its_folder_here_was_given_up() -> None:
    words = [step.words for step in plan().layout if isinstance(step, Run)]
    assert not any("enable" in each for each in words)
    start = plan().starts[0]
    assert [isinstance(step, Run) and "enable" in step.words for step in start.steps] == [False, True, False]


def test_a_manager_belongs_to_its_own_user_and_a_worker_to_root() -> None:
    trees = {step.path: step.owner for step in plan().layout if isinstance(step, Tree)}
    assert trees == {"/var/lib/okube/m1": "okube", "/var/lib/okube/w1": "root"}


def test_other_times_restart_what_reads_them() -> None:
    found = again(second=a_cluster(timing=Timing(election=1.0)))
    assert [start.entry.name for start in found.restarts] == ["m1", "w1"]


def test_a_worker_more_elsewhere_restarts_nothing_here() -> None:
    config = a_cluster()
    more = WorkerConfig(name="w4", host="192.0.2.14", port=7201)
    assert again(config, second=msgspec.structs.replace(config, workers=(*config.workers, more))).restarts == ()


def test_an_interruption_between_a_change_and_the_restart_for_it_is_found_the_next_time() -> None:
    config, changed = a_cluster(), a_cluster(timing=Timing(election=1.0))
    machine = the_first(config)
    facts = healthy(machine, config)
    facts = after(plan_machine(machine, facts, desired(config)), facts)
    second = plan_machine(machine, facts, desired(changed))
    laid_out = after(msgspec.structs.replace(second, restarts=()), facts)
    third = plan_machine(machine, laid_out, desired(changed))
    assert [start.entry.name for start in third.restarts] == ["m1", "w1"]
    assert third.layout == ()


def test_how_machines_are_reached_is_no_setting_of_theirs() -> None:
    config = a_cluster()
    elsewhere = tuple(
        msgspec.structs.replace(worker, ssh=msgspec.structs.replace(worker.ssh, port=2222)) for worker in config.workers
    )
    assert again(config, second=msgspec.structs.replace(config, workers=elsewhere)).restarts == ()


def test_what_has_no_folder_anywhere_is_laid_out_and_not_started() -> None:
    found = plan(trees={})
    assert (found.sent, found.starts) == ((), ())
    assert any(isinstance(step, File) and step.path.endswith("okube-worker-w1.service") for step in found.layout)


def test_a_manager_that_was_removed_is_not_started() -> None:
    config = a_cluster()
    machine = the_first(config)
    facts = healthy(machine, config)
    facts = after(plan_machine(machine, facts, desired(config)), facts, running=False)
    files = {**facts.files, "/var/lib/okube/m1/removed": Found("file")}
    found = plan_machine(machine, msgspec.structs.replace(facts, files=files), desired(config))
    assert [start.entry.name for start in found.starts] == ["w1"]


def test_docker_is_installed_where_that_is_asked_for_and_none_is_there() -> None:
    bare = {"engine": Engine(problem="No such file"), "programs": {"apt-get": "/usr/bin/apt-get"}}
    config = a_cluster(install=InstallConfig(docker="distribution"))
    found = plan(config, facts=bare)
    assert any(isinstance(step, Packages) for step in found.before)
    assert found.engine == "unix:///var/run/docker.sock"
    assert not any(isinstance(step, Packages) for step in plan(facts=bare).before)
    assert not any(isinstance(step, Packages) for step in plan(config).before)


def test_the_ca_goes_to_the_machine_of_one_manager_alone() -> None:
    authority = ("m1", b"certificate", b"key")
    (key,) = [s for s in plan(authority=authority).layout if isinstance(s, File) and s.path.endswith("ca.key")]
    assert (key.mode, key.owner, key.path) == (0o600, "okube", "/etc/okube/keys/ca.key")
    other = plan(authority=("m2", b"certificate", b"key")).layout
    assert not any(isinstance(step, File) and step.path.endswith("ca.key") for step in other)


def test_the_clusters_file_of_a_machine_that_has_one_is_left_alone() -> None:
    there = {"/var/lib/okube/cluster.json": '{"newer": true}'}
    paths = [step.path for step in plan(facts={"contents": there}).layout if isinstance(step, File)]
    assert "/var/lib/okube/cluster.json" not in paths


def test_a_machine_where_nothing_starts_services_has_no_plan() -> None:
    with pytest.raises(NotFound, match="systemd"):
        plan(facts={"init": "none"})


def test_people_are_told_what_differs_and_no_commands() -> None:
    said = plan().sentences
    assert said[0] == "makes the user okube"
    assert f"brings Okube {RELEASE}" in said
    assert "brings manager m1 with its certificate" in said
    assert said[-2:] == ["starts m1", "starts w1"]
    assert not any("daemon-reload" in sentence for sentence in said)


def a_seed(incarnation: int) -> bytes:
    return msgspec.json.encode(Seed("lab", "abc", "", (), incarnation))


@pytest.mark.parametrize(("there", "is_changed"), [(1, True), (2, False), (3, False)])
def test_the_file_of_a_cluster_from_before_it_was_restored_is_changed(there: int, is_changed: bool) -> None:
    config = a_cluster()
    facts = healthy(the_first(config), config)
    contents = {**facts.contents, "/var/lib/okube/cluster.json": a_seed(there).decode()}
    layout = plan(config, facts={"contents": contents}, seed=a_seed(2)).layout
    assert [s.path for s in layout if "restored" in s.why] == ["/var/lib/okube/cluster.json"] * is_changed  # type: ignore[union-attr]


def test_the_unlock_key_goes_along_with_managers_that_are_sent_for_them_alone() -> None:
    def keys(made: Plan) -> list[File]:
        return [step for step in made.layout if isinstance(step, File) and step.path.endswith("unlock.key")]

    (key,) = keys(plan(unlock_key=b"key"))
    assert (key.path, key.mode, key.owner) == ("/etc/okube/keys/unlock.key", 0o600, "okube")
    assert keys(plan(unlock_key=b"key", trees={"w1": b"tar of w1"})) == []
