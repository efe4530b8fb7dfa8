"""In which order a cluster gets another release, and when it had better not."""

import msgspec
import pytest

from okube.install.bundle import Manifest
from okube.install.upgrade import Part, former_of, how_to_go_on, next_batch, refusal, version_of

OLD, NEW = "0.1.0-aaaaaaaa", "0.2.0-bbbbbbbb"


def a_manager(name: str, release: str = OLD, *, leads: bool = False, is_ready: bool = True) -> Part:
    return Part(role="manager", name=name, machine=name, named=release, runs=release, is_ready=is_ready, leads=leads)


def a_worker(name: str, release: str = OLD) -> Part:
    return Part(role="worker", name=name, machine=name, named=release, runs=release, is_ready=True)


def a_bundle(version: str = "0.2.0", knows: int = 3) -> Manifest:
    return Manifest(version=version, command_version=knows, wheels={}, targets={})


CLUSTER = (a_manager("m1", leads=True), a_manager("m2"), a_manager("m3"), *(a_worker(f"w{n}") for n in range(1, 6)))


def _with(parts: tuple[Part, ...], name: str, **changes: object) -> tuple[Part, ...]:
    return tuple(msgspec.structs.replace(part, **changes) if part.name == name else part for part in parts)


def test_managers_come_one_by_one_with_the_leader_last_then_workers_in_batches() -> None:
    parts, order = CLUSTER, []
    while batch := next_batch(parts, NEW, 2):
        order.append([part.name for part in batch])
        for part in batch:
            parts = _with(parts, part.name, named=NEW, runs=NEW)
    assert order == [["m2"], ["m3"], ["m1"], ["w1", "w2"], ["w3", "w4"], ["w5"]]


def test_whoever_leads_when_its_turn_would_come_waits_for_the_others() -> None:
    parts = _with(_with(_with(CLUSTER, "m2", named=NEW, runs=NEW), "m1", leads=False), "m3", leads=True)
    assert [part.name for part in next_batch(parts, NEW, 2)] == ["m1"]


@pytest.mark.parametrize("changes", [{"named": NEW}, {"runs": NEW}, {"named": NEW, "runs": None}])
def test_one_that_was_interrupted_in_the_middle_is_switched_again(changes: dict[str, str]) -> None:
    assert [part.name for part in next_batch(_with(CLUSTER, "m2", **changes), NEW, 2)] == ["m2"]


def test_nobody_comes_where_all_run_it() -> None:
    assert next_batch(CLUSTER, OLD, 2) == ()


def _refusal(parts: tuple[Part, ...] = CLUSTER, manifest: Manifest | None = None, **given: bool | int) -> str | None:
    asked: dict[str, bool | int] = {"quorum": True, "command_version": 3, **given}
    return refusal(parts, manifest or a_bundle(), **asked)  # type: ignore[arg-type]


def test_a_healthy_cluster_may_be_upgraded() -> None:
    assert _refusal() is None


def test_without_a_quorum_nothing_is_touched() -> None:
    assert "no quorum" in (_refusal(quorum=False) or "")


def test_a_manager_that_is_away_already_must_come_back_first() -> None:
    said = _refusal(_with(CLUSTER, "m3", is_ready=False)) or ""
    assert said.startswith("m3 is not ready, and an upgrade takes one more manager away")


def test_a_manager_that_is_away_on_a_machine_that_is_left_out_counts_too() -> None:
    assert (refusal(CLUSTER[:2], a_bundle(), quorum=True, command_version=3, away=["m3"]) or "").startswith("m3 is not")


def test_a_process_that_no_installation_made_is_named() -> None:
    assert (_refusal(_with(CLUSTER, "w2", named=None)) or "").startswith("w2 has no unit of Okube's on its machine")


def test_an_older_version_that_could_not_read_the_log_is_refused_whatever_is_said() -> None:
    said = _refusal(manifest=a_bundle("0.0.9", knows=2), back=True) or ""
    assert "Okube 0.0.9 knows command version 2, and the managers have written what needs 3" in said


def test_an_older_version_that_can_read_it_has_to_be_meant() -> None:
    older = a_bundle("0.0.9")
    assert "0.0.9 is older than 0.1.0, which runs now" in (_refusal(manifest=older) or "")
    assert _refusal(manifest=older, back=True) is None


@pytest.mark.parametrize(("older", "newer"), [("0.9.0", "0.10.0"), ("0.2.0rc1", "0.2.0"), ("0.1.0", "0.1.0.1")])
def test_versions_are_compared_as_versions(older: str, newer: str) -> None:
    parts = tuple(a_manager(name, f"{newer}-cccccccc") for name in ("m1", "m2", "m3"))
    assert "is older than" in (_refusal(parts, a_bundle(older)) or "")
    parts = tuple(a_manager(name, f"{older}-cccccccc") for name in ("m1", "m2", "m3"))
    assert _refusal(parts, a_bundle(newer)) is None


def test_an_upgrade_that_stopped_says_how_to_go_on_and_how_to_go_back() -> None:
    assert how_to_go_on(CLUSTER, NEW, OLD).startswith("All run 0.1.0 as before.")
    said = how_to_go_on(_with(_with(CLUSTER, "m2", named=NEW, runs=NEW), "m3", named=NEW, runs=NEW), NEW, OLD)
    assert said.startswith("m2 and m3 run 0.2.0 and the others 0.1.0, which may stay so.")
    assert "--back" in said


def test_two_releases_of_one_version_are_told_apart() -> None:
    assert "All run 0.1.0-aaaaaaaa as before" in how_to_go_on(CLUSTER, "0.1.0-ffffffff", OLD)
    assert version_of("0.1.0-ffffffff") == "0.1.0"


def test_a_manager_that_is_away_because_it_was_being_switched_comes_first() -> None:
    parts = _with(CLUSTER, "m3", named=a_bundle().release, runs=None, is_ready=False)
    assert _refusal(parts) is None
    assert [part.name for part in next_batch(parts, a_bundle().release, 2)] == ["m3"]


def test_what_a_process_ran_before_is_asked_of_the_others_where_its_unit_says_no_more() -> None:
    parts = _with(CLUSTER, "m3", named=NEW)
    assert former_of(parts[2], parts, NEW) == OLD
    assert former_of(parts[1], parts, NEW) == OLD
    assert former_of(parts[1], parts, OLD) == NEW
    assert former_of(CLUSTER[0], CLUSTER, OLD) is None
