import json
from collections.abc import Callable

import pytest
from click.testing import Result

from tests.unit.cli.cluster import Cluster, a_node, a_service, a_task, an_app
from tests.unit.client.playing import problem

Okube = Callable[..., Result]


@pytest.mark.parametrize("verb", ["stop", "start", "restart", "rollback"])
def test_a_verb_is_sent_for_each_service(okube: Okube, cluster: Cluster, verb: str) -> None:
    for name in ("a", "b"):
        cluster.add(a_service(name), a_task(f"{name}.1"))
    result = okube(verb, "a", "b", "-o", "json")
    assert result.exit_code == 0
    assert [w[1] for w in cluster.written] == [f"/v1/services/a/{verb}", f"/v1/services/b/{verb}"]
    assert [s["name"] for s in json.loads(result.stdout)] == ["a", "b"]


def test_one_that_is_refused_does_not_keep_the_others_from_it(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web"), a_task("web.1"))
    cluster.refusals["POST", "/v1/services/db/rollback"] = problem(409, "conflict", "db has no version before")
    result = okube("rollback", "db", "web")
    assert result.exit_code == 1
    assert "okube: db has no version before" in result.stderr
    assert cluster.written == [("POST", "/v1/services/web/rollback", None)]


def test_one_task_is_restarted_by_ending_it(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web", 2), a_task("web.1"), a_task("web.2", desired="stop"))
    cluster.steps = [lambda: None, cluster.set_tasks(a_task("web.1"), a_task("web.2"))]
    result = okube("restart", "web.2", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)["name"]) == (0, "web")
    assert cluster.written == [("DELETE", "/v1/tasks/web.2", None)]


def test_a_task_that_is_not_there_names_the_one_that_was_likely_meant(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web"), a_task("web.1"))
    result = okube("restart", "wbe.1")
    assert (result.exit_code, result.stderr) == (1, "okube: there is no task wbe.1; did you mean web.1?\n")


def test_rm_waits_until_the_tasks_are_gone(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web"), a_task("web.1", desired="stop"))
    cluster.steps = [lambda: None, cluster.set_tasks()]
    result = okube("rm", "web", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"name": "web", "action": "removed"})
    assert result.stderr == "1 task still to stop\n"


def test_rm_without_waiting_returns_once_it_is_committed(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web"), a_task("web.1"))
    result = okube("rm", "web", "--no-wait")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["SERVICE  ACTION", "web      removed"]


@pytest.mark.parametrize(
    "command",
    [["rm", "wbe"], ["stop", "wbe"], ["scale", "wbe=2"], ["inspect", "service", "wbe"]],
)
def test_a_service_that_is_not_there_names_the_one_that_was_likely_meant(
    okube: Okube, cluster: Cluster, command: list[str]
) -> None:
    cluster.add(a_service("web"))
    result = okube(*command)
    assert result.exit_code == 1
    assert result.stderr == "okube: there is no service wbe; did you mean web?\n"


def test_a_node_that_is_not_there_names_the_one_that_was_likely_meant(okube: Okube, cluster: Cluster) -> None:
    cluster.nodes = {"rack-a-1": a_node("rack-a-1")}
    for command in (["drain", "rack-a1"], ["cordon", "rack-a1"], ["nodes", "rm", "rack-a1"]):
        assert "did you mean rack-a-1?" in okube(*command).stderr
    assert "`okube nodes` lists them" in okube("uncordon", "zzz").stderr


def test_cordon_and_uncordon_set_the_availability(okube: Okube, cluster: Cluster) -> None:
    cluster.nodes = {"w1": a_node("w1")}
    assert json.loads(okube("cordon", "w1", "-o", "json").stdout)["availability"] == "cordoned"
    assert json.loads(okube("uncordon", "w1", "-o", "json").stdout)["availability"] == "active"


def test_drain_waits_until_the_node_is_empty(okube: Okube, cluster: Cluster) -> None:
    cluster.nodes = {"w1": a_node("w1")}
    cluster.tasks = [a_task("web.1")]

    def empty() -> None:
        cluster.tasks = []
        cluster.nodes["w1"]["availability"] = "drained"

    cluster.steps = [lambda: None, empty]
    result = okube("drain", "w1", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)["availability"]) == (0, "drained")
    assert cluster.written == [("PATCH", "/v1/nodes/w1", {"availability": "draining"})]


def test_a_drain_that_takes_too_long_is_exit_4(okube: Okube, cluster: Cluster) -> None:
    cluster.nodes = {"w1": a_node("w1")}
    cluster.tasks = [a_task("web.1")]
    result = okube("drain", "w1", "--timeout", "0.1")
    assert result.exit_code == 4
    assert "w1: 1 task still there; what was asked for stays" in result.stderr


def test_a_whole_app_is_changed_at_once(okube: Okube, cluster: Cluster) -> None:
    cluster.apps = [an_app("shop")]
    for name in ("shop-web", "shop-db"):
        cluster.add(a_service(name, 0, app="shop", stopped=True))
    assert "shop-db" in okube("stop", "--app", "shop").stdout
    assert cluster.written[-1][:2] == ("POST", "/v1/apps/shop/stop")
    result = okube("rm", "--app", "shop", "-o", "json")
    assert [r["name"] for r in json.loads(result.stdout)] == ["shop-web", "shop-db"]
    assert cluster.written[-1][:2] == ("DELETE", "/v1/apps/shop")


def test_an_app_that_is_not_there_or_not_named_as_one_is_refused_with_a_hint(okube: Okube, cluster: Cluster) -> None:
    cluster.apps = [an_app("shop")]
    cluster.add(a_service("shop-web", app="shop"))
    assert "there is no app shp; did you mean shop?" in okube("rm", "--app", "shp").stderr
    assert "there is no service shop, but an app: write --app shop" in okube("restart", "shop").stderr
    assert "nothing is named" in okube("stop").stderr


def test_nodes_is_a_list_with_filters_and_a_group(okube: Okube, cluster: Cluster) -> None:
    cluster.nodes = {
        "w1": a_node("w1"),
        "w2": a_node("w2", state="down", zone="rack-b", labels={"disk": "hdd"}, availability="cordoned", region="eu"),
    }

    def names(*flags: str) -> list[str]:
        return [n["name"] for n in json.loads(okube("nodes", *flags, "-o", "json").stdout)]

    assert names() == ["w1", "w2"]
    assert names("--state", "down") == ["w2"]
    assert names("--label", "disk=ssd") == ["w1"]
    assert names("--zone", "rack-b") == ["w2"]
    assert names("--region", "eu") == ["w2"]
    assert names("--rack", "r1") == []
    assert names("--availability", "cordoned") == ["w2"]
    assert okube("nodes", "rm", "w2").exit_code == 0
    assert names() == ["w1"]


def test_labels_of_a_node_are_set_and_taken_away_and_the_others_stay(okube: Okube, cluster: Cluster) -> None:
    cluster.nodes = {"w1": a_node("w1", labels={"disk": "hdd", "gpu": "2", "row": "7"})}
    result = okube("nodes", "label", "w1", "disk=ssd", "gpu-")
    assert result.exit_code == 0
    assert cluster.written == [("PATCH", "/v1/nodes/w1", {"labels": {"disk": "ssd", "row": "7"}})]
    assert result.stdout.splitlines() == ["NODE  LABELS", "w1    disk=ssd,row=7"]


def test_labels_that_somebody_else_changes_meanwhile_are_looked_at_again(okube: Okube, cluster: Cluster) -> None:
    cluster.nodes = {"w1": a_node("w1")}
    cluster.refusals["PATCH", "/v1/nodes/w1"] = problem(409, "conflict", "node w1 is at revision 9, not 8")
    result = okube("nodes", "label", "w1", "disk=ssd")
    assert (result.exit_code, result.stderr) == (1, "okube: node w1 is at revision 9, not 8\n")


@pytest.mark.parametrize("word", ["disk", "=ssd"])
def test_what_is_no_label_is_refused(okube: Okube, cluster: Cluster, word: str) -> None:
    cluster.nodes = {"w1": a_node("w1")}
    result = okube("nodes", "label", "w1", word)
    assert result.exit_code == 2
    assert f"'{word}' is no label: write KEY=VALUE, or KEY- to take it away" in result.stderr
    assert cluster.written == []


def test_what_a_node_offers_is_set_and_taken_away_and_the_others_stay(okube: Okube, cluster: Cluster) -> None:
    cluster.nodes = {"w1": a_node("w1", named={"gpu": 1, "licence": 4, "tuner": 2}, named_allocated={"gpu": 1})}
    result = okube("nodes", "offer", "w1", "gpu=2", "licence-", "tuner=0", "fpga=1")
    assert result.exit_code == 0
    assert cluster.written == [("PATCH", "/v1/nodes/w1", {"named": {"gpu": 2, "fpga": 1}})]
    assert "fpga 0/1 gpu 1/2" in result.stdout


@pytest.mark.parametrize("word", ["gpu", "gpu=two", "gpu=1.5", "gpu=-1", "=2"])
def test_what_is_no_offer_is_refused(okube: Okube, cluster: Cluster, word: str) -> None:
    cluster.nodes = {"w1": a_node("w1")}
    result = okube("nodes", "offer", "w1", word)
    assert result.exit_code == 2
    assert f"'{word}' is no offer: write NAME=N with a whole number, or NAME- for none" in result.stderr
    assert cluster.written == []


def test_a_node_shows_what_it_offers_and_what_is_left_of_it(okube: Okube, cluster: Cluster) -> None:
    cluster.nodes = {"w1": a_node("w1", named={"gpu": 4}, named_allocated={"gpu": 1, "tuner": 2}), "w2": a_node("w2")}
    table = okube("nodes").stdout.splitlines()
    assert "NAMED" in table[0]
    assert "gpu 1/4 tuner 2/0" in table[1]
    page = okube("inspect", "node", "w1").stdout
    assert "3 free of 4; 1 promised" in page
    assert "0 free of 0; 2 promised" in page
    cluster.nodes = {"w2": a_node("w2")}
    assert "NAMED" not in okube("nodes").stdout
