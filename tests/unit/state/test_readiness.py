import pytest

from okube.model.commands import PutServices, RefreshServices
from okube.model.versions import version_of
from tests.builders import Cluster, a_spec


class Slowly(Cluster):
    """A cluster whose agents start nothing until they are told to."""

    def plans(self) -> None:
        for _ in range(20):
            if not self.plan():
                return

    def runs(self, service: str, *, ready: bool = True) -> None:
        for task in self.active(service):
            if task.node is not None:
                self.report(task, ready=ready, started_ms=self.now_ms)
        self.plans()

    def message(self, service: str) -> str:
        return self.active(service)[0].message


def an_app(condition: str, **fields: object) -> Slowly:
    cluster = Slowly()
    cluster.node("w1")
    cluster.put(a_spec("web", depends_on=[{"service": "db", "condition": condition}]), a_spec("db", **fields))
    cluster.plans()
    return cluster


def placed(cluster: Cluster, service: str = "web") -> int:
    return sum(task.node is not None for task in cluster.active(service))


def test_a_service_waits_until_its_dependency_is_ready_and_says_so() -> None:
    cluster = an_app("ready")
    assert (placed(cluster), cluster.message("web")) == (0, "waits for db: 0 of 1 tasks ready")

    cluster.runs("db", ready=False)
    assert placed(cluster) == 0
    cluster.runs("db")
    assert placed(cluster) == 1


def test_started_is_less_than_ready_and_placed_is_less_than_started() -> None:
    cluster = an_app("started")
    assert (placed(cluster), cluster.message("web")) == (0, "waits for db: 0 of 1 tasks started")
    cluster.runs("db", ready=False)
    assert placed(cluster) == 1

    assert placed(an_app("placed")) == 1


def test_one_ready_task_of_several_will_do() -> None:
    cluster = an_app("ready", replicas=3)
    cluster.report(cluster.active("db")[0], ready=True)
    cluster.plans()

    assert placed(cluster) == 1


@pytest.mark.parametrize("fields", [{"replicas": 0}, {"mode": "job"}])
def test_who_wants_no_tasks_that_stay_is_not_waited_for(fields: dict[str, object]) -> None:
    assert placed(an_app("started", **fields)) == 1


def test_a_service_that_is_stopped_is_not_waited_for() -> None:
    cluster = an_app("ready")
    cluster.apply(RefreshServices(("db",), "stop"))
    cluster.plans()

    assert placed(cluster) == 1


def test_a_job_is_ready_when_it_has_completed() -> None:
    cluster = an_app("ready", mode="job", replicas=2)
    cluster.runs("db")
    assert (placed(cluster), cluster.message("web")) == (0, "waits for db: 0 of 2 tasks completed")

    first, second = cluster.active("db")
    cluster.report(first, state="completed", reason="exit-code", exit_code=0, ended_ms=cluster.now_ms)
    cluster.plans()
    assert cluster.message("web") == "waits for db: 1 of 2 tasks completed"
    cluster.report(second, state="completed", reason="exit-code", exit_code=0, ended_ms=cluster.now_ms)
    cluster.plans()
    assert placed(cluster) == 1


def test_a_chain_starts_link_by_link() -> None:
    cluster = Slowly()
    cluster.node("w1")
    for name, target in (("web", "api"), ("api", "db")):
        cluster.put(a_spec(name, depends_on=[{"service": target, "condition": "ready"}]))
    cluster.put(a_spec("db"))
    cluster.plans()

    assert [placed(cluster, name) for name in ("db", "api", "web")] == [1, 0, 0]
    cluster.runs("db")
    assert [placed(cluster, name) for name in ("db", "api", "web")] == [1, 1, 0]
    cluster.runs("api")
    assert [placed(cluster, name) for name in ("db", "api", "web")] == [1, 1, 1]


def test_what_runs_is_scaled_and_replaced_though_the_dependency_is_gone() -> None:
    cluster = an_app("ready")
    cluster.settle()
    cluster.node("w2")
    for task in cluster.active("db"):
        cluster.report(task, ready=False)
    cluster.scale("web", 3)
    cluster.plans()

    assert placed(cluster) == 3


def test_a_rolling_update_of_the_dependency_touches_nothing_that_runs() -> None:
    cluster = an_app("ready")
    cluster.settle()
    before = cluster.active("web")
    cluster.put(a_spec("db", image="example/db:2"))
    cluster.settle()

    assert cluster.active("web") == before
    assert [task.version for task in cluster.ready("db")] == [2]


def test_a_service_that_does_not_run_any_more_starts_when_its_dependency_is_ready_again() -> None:
    cluster = an_app("ready")
    cluster.settle()
    cluster.report(cluster.active("db")[0], ready=False)
    (web,) = cluster.active("web")
    cluster.report(web, state="failed", reason="exit-code", exit_code=1, ended_ms=cluster.now_ms)
    cluster.plans()
    assert cluster.message("web") == "waits for db: 0 of 1 tasks ready"

    cluster.runs("db")
    assert placed(cluster) == 1


def test_a_condition_waits_until_all_managers_know_of_conditions() -> None:
    def needed(condition: str) -> int:
        spec = a_spec(depends_on=[{"service": "db", "condition": condition}])
        return version_of(PutServices((spec,), ("1",), "create"))

    assert (needed("placed"), needed("ready")) == (5, 6)
