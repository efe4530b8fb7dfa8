"""Secrets and configs of services and tasks: who gets which version, who waits, and what a rotation brings."""

from typing import Any

import msgspec
import pytest

from okube.model import commands as c
from okube.model.secret import KEPT_VALUES, SecretKind
from okube.model.spec import ServiceSpec
from okube.state.mounts import needed_by, users_of, versions_in_use
from tests.builders import Cluster, a_spec


class Rack(Cluster):
    """A cluster with two nodes, in which secrets are rotated."""

    def __init__(self) -> None:
        super().__init__()
        self.node("w1")
        self.node("w2")

    def rotate(self, name: str, kind: SecretKind = "secret") -> None:
        assert isinstance(self.secret(name, kind, how="rotate"), c.Applied)

    def runs(self, **fields: Any) -> ServiceSpec:
        """A service of that spec, with all of its tasks ready."""
        spec = a_spec(**fields)
        assert isinstance(self.put(spec), c.Applied)
        self.settle()
        return spec

    def mounted(self, service: str) -> list[tuple[int, ...] | msgspec.UnsetType]:
        return [task.mounted for task in self.ready(service)]


@pytest.fixture
def rack() -> Rack:
    return Rack()


def test_a_task_gets_the_newest_versions_when_it_is_placed(rack: Rack) -> None:
    rack.secret("db")
    rack.rotate("db")
    rack.secret("page", "config")
    rack.runs(secrets=["db"], configs=["page"])
    assert rack.mounted("web") == [(2, 1)]


def test_a_task_that_is_given_nothing_is_the_row_that_it_was_before(rack: Rack) -> None:
    rack.runs()
    assert rack.mounted("web") == [msgspec.UNSET]


def test_a_task_whose_secret_is_missing_waits_and_says_what_to_do(rack: Rack) -> None:
    rack.runs(secrets=["db"], configs=["page"])
    (task,) = rack.active("web")
    assert (task.state, task.reason) == ("pending", "no-fit")
    assert task.message == (
        "there is no secret db: make it with 'okube secret create db'; "
        "there is no config page: make it with 'okube config create page'"
    )


def test_it_is_placed_once_all_of_it_is_there(rack: Rack) -> None:
    rack.runs(secrets=["db"], configs=["page"])
    rack.secret("db")
    rack.settle()
    assert [task.state for task in rack.active("web")] == ["pending"]
    rack.secret("page", "config")
    rack.settle()
    assert rack.mounted("web") == [(1, 1)]


def test_a_command_that_places_a_task_for_which_a_secret_is_missing_changes_nothing(rack: Rack) -> None:
    rack.runs(secrets=["db"])
    (task,) = rack.active("web")
    rack.apply(c.PlaceTasks((task.id,), ("w1",), ((),)))
    assert rack.tables.tasks[task.id].state == "pending"


def test_a_node_whose_agent_is_of_an_older_okube_gets_no_task_that_is_given_anything(rack: Rack) -> None:
    rack.secret("db")
    for name in ("w1", "w2"):
        rack.node(name, knows=2)
    rack.put(a_spec("web", secrets=["db"]), a_spec("api"))
    rack.settle()
    assert len(rack.ready("api")) == 1
    (task,) = rack.active("web")
    assert task.message == (
        "no node fits: 2 nodes: its agent is of an older Okube, which gives tasks no secrets: upgrade it"
    )
    rack.apply(c.PlaceTasks((task.id,), ("w1",), ((),)))
    assert rack.tables.tasks[task.id].state == "pending"
    rack.node("w2", knows=3)
    rack.settle()
    assert [ready.node for ready in rack.ready("web")] == ["w2"]


def test_other_services_are_placed_while_one_waits(rack: Rack) -> None:
    rack.put(a_spec("web", secrets=["db"]), a_spec("api"))
    rack.settle()
    assert len(rack.ready("api")) == 1


def test_a_secret_of_an_app_is_given_to_its_services_alone(rack: Rack) -> None:
    rack.secret("db", app="shop")
    rack.put(a_spec("mine", app="shop", secrets=["db"]), a_spec("theirs", app="blog", secrets=["db"]))
    rack.settle()
    assert len(rack.ready("mine")) == 1
    (task,) = rack.active("theirs")
    assert task.message == "secret db is for app shop alone, and theirs is not of that app"


def test_a_service_that_runs_is_not_changed_into_one_that_would_have_to_wait(rack: Rack) -> None:
    rack.runs(name="web")
    result = rack.put(a_spec("web", secrets=["db"]))
    assert isinstance(result, c.Refused)
    assert result.detail.startswith("web stays as it is: there is no secret db")
    assert len(rack.ready("web")) == 1


def test_a_service_that_waits_may_be_changed(rack: Rack) -> None:
    rack.runs(name="web", secrets=["db"])
    assert isinstance(rack.put(a_spec("web", secrets=["db", "other"])), c.Applied)


def test_a_service_is_not_rolled_back_to_a_version_that_would_have_to_wait(rack: Rack) -> None:
    rack.secret("db")
    rack.runs(name="web", secrets=["db"])
    rack.runs(name="web")
    rack.apply(c.DeleteSecret("secret", "db"))
    (result,) = rack.apply(c.RefreshServices(("web",), "rollback"))
    assert isinstance(result, c.Refused)
    assert result.detail.startswith("web stays as it is: there is no secret db")


def test_a_rotation_replaces_the_tasks_one_slot_after_the_other(rack: Rack) -> None:
    rack.secret("db")
    rack.runs(replicas=3, secrets=["db"])
    rack.rotate("db")
    seen = []
    for _ in range(60):
        rack.plan()
        seen.append(len(rack.ready("web")))
        rack.agents_obey()
        rack.time_passes()
    assert rack.mounted("web") == [(2,)] * 3
    assert min(seen) == 2


def test_a_rotation_of_what_is_kept_replaces_nothing(rack: Rack) -> None:
    rack.secret("db")
    rack.runs(secrets=[{"name": "db", "on_rotate": "keep"}])
    before = rack.active("web")
    rack.rotate("db")
    rack.settle()
    assert rack.active("web") == before


def test_a_task_that_takes_the_place_of_one_that_keeps_its_version_gets_the_newest(rack: Rack) -> None:
    rack.secret("db")
    rack.runs(secrets=[{"name": "db", "on_rotate": "keep"}])
    rack.rotate("db")
    (task,) = rack.active("web")
    rack.apply(c.StopTask(task.id))
    rack.settle()
    assert rack.mounted("web") == [(2,)]


def test_who_asks_for_a_signal_keeps_its_tasks_and_gets_the_new_version(rack: Rack) -> None:
    rack.secret("tls")
    rack.secret("db")
    rack.runs(replicas=2, secrets=[{"name": "tls", "on_rotate": "SIGHUP"}, {"name": "db", "on_rotate": "keep"}])
    before = [task.id for task in rack.active("web")]
    rack.rotate("tls")
    rack.rotate("db")
    rack.settle()
    assert [task.id for task in rack.active("web")] == before
    assert rack.mounted("web") == [(2, 1), (2, 1)]


def test_what_has_run_to_its_end_is_not_run_again_for_a_rotation(rack: Rack) -> None:
    rack.secret("db")
    rack.runs(name="job", mode="job", secrets=["db"])
    (task,) = rack.active("job")
    rack.report(task, state="completed", reason="exited", exit_code=0)
    rack.rotate("db")
    rack.settle()
    assert rack.tables.service_named("job").version == 1  # type: ignore[union-attr]  # it is there
    assert rack.active("job") == []


def test_a_service_that_is_stopped_gets_the_newest_when_it_starts(rack: Rack) -> None:
    rack.secret("db")
    rack.runs(secrets=["db"])
    rack.apply(c.RefreshServices(("web",), "stop"))
    rack.settle()
    rack.rotate("db")
    rack.apply(c.RefreshServices(("web",), "start"))
    rack.settle()
    assert rack.mounted("web") == [(2,)]


def test_a_rotation_tells_why_a_service_is_restarted(rack: Rack) -> None:
    rack.secret("db")
    rack.runs(secrets=["db"])
    rack.rotate("db")
    told = [event.message for event in rack.tables.events.rows() if event.kind == "service-restarted"]
    assert told == ["version 2: secret db was rotated"]


def test_a_node_is_given_what_a_task_on_it_needs_and_no_other_version(rack: Rack) -> None:
    rack.secret("db")
    rack.rotate("db")
    rack.runs(secrets=["db"])
    (task,) = rack.active("web")
    here, there = (task.node or ""), {"w1": "w2", "w2": "w1"}[task.node or ""]
    assert needed_by(rack.tables, here, "secret", "db", 2) == rack.tables.tasks[task.id]
    for node, kind, name, version in [
        (there, "secret", "db", 2),
        (here, "secret", "db", 1),
        (here, "config", "db", 2),
        (here, "secret", "other", 2),
        ("w9", "secret", "db", 2),
    ]:
        assert needed_by(rack.tables, node, kind, name, version) is None  # type: ignore[arg-type]  # both are kinds


def test_a_node_whose_task_has_ended_is_given_nothing_any_more(rack: Rack) -> None:
    rack.secret("db")
    rack.runs(secrets=["db"])
    (task,) = rack.active("web")
    rack.apply(c.RefreshServices(("web",), "stop"))
    rack.settle()
    assert needed_by(rack.tables, task.node or "", "secret", "db", 1) is None


def test_a_node_that_was_made_anew_is_given_nothing_for_the_tasks_of_the_one_before(rack: Rack) -> None:
    rack.secret("db")
    rack.runs(secrets=["db"])
    (task,) = rack.active("web")
    node = rack.tables.nodes[task.node or ""]
    rack.tables.nodes[node.name] = msgspec.structs.replace(node, id="another")
    assert needed_by(rack.tables, node.name, "secret", "db", 1) is None


def test_values_that_tasks_still_need_outlive_many_rotations(rack: Rack) -> None:
    rack.secret("db")
    rack.runs(secrets=[{"name": "db", "on_rotate": "keep"}])
    for _ in range(KEPT_VALUES + 3):
        rack.rotate("db")
    assert versions_in_use(rack.tables, "secret", "db") == {1}
    kept = [value.version for value in rack.tables.secrets["secret", "db"].versions]
    assert kept == [1, *range(5, KEPT_VALUES + 5)]


def test_what_services_are_given_is_not_removed(rack: Rack) -> None:
    rack.secret("db")
    rack.runs(secrets=["db"])
    (result,) = rack.apply(c.DeleteSecret("secret", "db"))
    assert isinstance(result, c.Refused)
    assert result.detail == "secret db is given to web: take it out of what they ask for first"
    assert [service.name for service in users_of(rack.tables, "secret", "db")] == ["web"]


def test_what_only_tasks_still_run_with_is_not_removed_either(rack: Rack) -> None:
    rack.secret("db")
    rack.runs(secrets=["db"])
    rack.put(a_spec("web"))
    (refused,) = rack.apply(c.DeleteSecret("secret", "db"))
    assert isinstance(refused, c.Refused)
    rack.settle()
    (removed,) = rack.apply(c.DeleteSecret("secret", "db"))
    assert isinstance(removed, c.Applied)
