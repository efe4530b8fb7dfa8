import pytest

from okube.model import commands as c
from tests.builders import Cluster, a_spec


def refusal(cluster: Cluster, *names_and_dependencies: tuple[str, list[str]]) -> str:
    specs = tuple(a_spec(name, depends_on=targets) for name, targets in names_and_dependencies)
    return said(cluster.apply(c.PutServices(specs, tuple(f"id-{spec.name}" for spec in specs), "upsert")))


def said(results: list[c.Result]) -> str:
    (result,) = results
    return result.detail if isinstance(result, c.Refused) else ""


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.put(a_spec("db"), a_spec("api", depends_on=["db"]))
    return cluster


def test_services_in_a_circle_are_refused_with_the_circle_and_nothing_changes(cluster: Cluster) -> None:
    before = cluster.tables.revision

    assert "api → db → api" in refusal(cluster, ("db", ["api"]))
    assert cluster.tables.revision == before


def test_a_circle_within_one_file_is_refused() -> None:
    assert "a → b → c → a" in refusal(Cluster(), ("a", ["b"]), ("b", ["c"]), ("c", ["a"]))


def test_what_is_not_there_yet_closes_no_circle_until_it_comes(cluster: Cluster) -> None:
    assert refusal(cluster, ("web", ["front"])) == ""
    assert "front → web → front" in refusal(cluster, ("front", ["web"]))


def test_the_short_name_of_an_app_closes_a_circle_too() -> None:
    cluster = Cluster()
    specs = (
        a_spec("shop-web", app="shop", depends_on=["db"]),
        a_spec("shop-db", app="shop", depends_on=["web"]),
    )

    assert "shop-db → shop-web → shop-db" in said(cluster.apply(c.PutServices(specs, ("i1", "i2"), "upsert")))


def test_a_rollback_that_would_close_a_circle_is_refused() -> None:
    cluster = Cluster()
    cluster.put(a_spec("web", depends_on=["db"]))
    cluster.put(a_spec("web"))
    cluster.put(a_spec("db", depends_on=["web"]))

    assert "db → web → db" in said(cluster.apply(c.RefreshServices(("web",), "rollback")))
