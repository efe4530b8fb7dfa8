"""A cluster that locks itself, on other machines: of a snapshot, its unlock key and a cluster.yaml."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.lab.cluster import Finished
from tests.lab.rack.admin import Admin
from tests.lab.rack.bundles import this_bundle, unpacked
from tests.lab.rack.description import describe
from tests.lab.rack.rack import Rack

_REPLICAS = 4


class Story(msgspec.Struct):
    """What was said and seen: while the cluster lived, and when its manager's machine had burnt."""

    admin: Admin
    before: dict[str, tuple[str, str]]
    while_it_lived: Finished
    without_key: Finished
    restored: Finished
    again: Finished


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    bundle = this_bundle(tmp_path_factory.getbasetemp())
    folder = tmp_path_factory.mktemp("restore")
    with Rack(["m1", "w2", "n1"], engines=[], software=unpacked([bundle], folder / "versions")) as rack:
        described = describe(rack, ["m1"], ["m1", "w2"], runtime="process")
        before = Admin(rack, described, folder / "desk")
        before.ok("cluster", "install", "--bundle", str(bundle))
        snapshot, key, value = folder / "rack.okube", folder / "unlock.key", folder / "value"
        key.touch(0o600)
        key.write_text(before.ok("keyring", "autolock", "on").out)
        value.write_text("nobody knows")
        before.ok("secret", "create", "pin", str(value))
        _run_web(before)
        tasks = before.running("web")
        before.ok("snapshot", "save", str(snapshot))
        after = Admin(rack, described, folder / "another")
        words = ("cluster", "restore", str(snapshot), "--bundle", str(bundle), "--yes")
        while_it_lived = after.okube(*words, "--unlock-key", str(key))
        rack.power_off("m1")
        after.describe(_elsewhere(described, rack["n1"].address))
        without_key = after.okube(*words)
        restored = after.ok(*words, "--unlock-key", str(key))
        yield Story(after, tasks, while_it_lived, without_key, restored, after.ok(*words))


def _run_web(admin: Admin) -> None:
    wanted = ("--replicas", str(_REPLICAS), "--restart", "always")
    admin.ok("run", "--name", "web", "--image", "host", *wanted, "--", "sleep", "86400")


def _elsewhere(described: dict[str, Any], host: str) -> dict[str, Any]:
    """The same cluster, with the manager and the worker of m1 on another machine."""
    (manager,), (first, *others) = described["managers"], described["workers"]
    return {**described, "managers": [{**manager, "host": host}], "workers": [{**first, "host": host}, *others]}


def test_while_a_manager_answers_nothing_is_restored(story: Story) -> None:
    assert story.while_it_lived.status == 1
    assert "Something listens at the address of m1" in story.while_it_lived.err


def test_without_the_unlock_key_it_says_which_one_it_needs(story: Story) -> None:
    assert story.without_key.status == 2
    assert "--unlock-key" in story.without_key.err


def test_the_cluster_is_well_and_unlocked_in_a_higher_incarnation(story: Story) -> None:
    assert "cluster rack is well" in story.restored.out
    status = story.admin.json("status")
    assert [(m["name"], m["state"], m["locked"]) for m in status["managers"]] == [("m1", "ready", False)]
    assert status["epoch"].startswith("2.")
    assert [secret["name"] for secret in story.admin.json("secret")] == ["pin"]
    keys = story.admin.rack["n1"].run("ls", "/etc/okube/keys").stdout
    assert "unlock" not in keys, "with autolock no disk has it"


def test_containers_on_the_machine_that_lives_stay_and_the_others_run_again(story: Story) -> None:
    admin = story.admin
    admin.wait(lambda: len(admin.running("web")) == _REPLICAS, "all of web runs")
    after = admin.running("web")
    stayed = {name: place for name, place in story.before.items() if place[0] == "w2"}
    assert stayed
    assert {name: after[name] for name in stayed} == stayed


def test_the_same_command_again_restores_nothing(story: Story) -> None:
    assert "it is not restored again" in story.again.out
    assert "nothing to do" in story.again.out
    assert story.admin.json("status")["epoch"].startswith("2.")
