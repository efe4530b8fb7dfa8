from collections.abc import Callable

import pytest

from okube.client.api import OkubeClient
from okube.client.calls import Freshness, Json
from okube.client.errors import GarbledAnswer
from okube.client.retry import Caller, Patience
from okube.model.errors import Conflict, InvalidInput, NotFound
from tests.unit.client.playing import Manager, Received, Reply, no_leader, problem

Play = Callable[..., Manager]
Make = Callable[..., Caller]


def _client(caller: Make, *managers: Manager, stale: bool = False) -> OkubeClient:
    return OkubeClient(
        caller(*(m.address for m in managers)),
        stale=stale,
        reads=Patience(20.0, 0.0),
        writes=Patience(20.0, 0.0),
    )


def test_a_list_is_read_page_by_page(play: Play, caller: Make) -> None:
    pages = {"": ([{"name": "a"}], "a 1"), "a 1": ([{"name": "b"}], "b&2"), "b&2": ([{"name": "c"}], "")}

    def page(received: Received) -> Reply:
        rows, token = pages[received.query.get("continue", "")]
        return Reply(200, rows, {"Okube-Continue": token} if token else {})

    assert [s["name"] for s in _client(caller, play(page)).services()] == ["a", "b", "c"]


def test_filters_are_sent_and_those_not_given_are_not(play: Play, caller: Make) -> None:
    manager = play(lambda _: Reply(200, []))
    client = _client(caller, manager)
    client.tasks(service="web", state="failed")
    client.tasks(node="w1", ended=True)
    client.services(app="shop", labels=["a=1", "b=2"])
    queries = [{k: v for k, v in r.query.items() if k != "limit"} for r in manager.received]
    assert queries == [
        {"service": "web", "state": "failed"},
        {"node": "w1", "all": "true"},
        {"app": "shop", "label": "a=1,b=2"},
    ]


@pytest.mark.parametrize(
    ("act", "method", "path", "body"),
    [
        (lambda c: c.create_service({"name": "web"}), "POST", "/v1/services", {"name": "web"}),
        (lambda c: c.put_service("web", {"image": "i"}), "PUT", "/v1/services/web", {"image": "i"}),
        (lambda c: c.delete_service("web"), "DELETE", "/v1/services/web", None),
        (lambda c: c.act_on_service("web", "restart"), "POST", "/v1/services/web/restart", None),
        (lambda c: c.delete_task("web.1"), "DELETE", "/v1/tasks/web.1", None),
        (lambda c: c.update_node("w1", availability="active"), "PATCH", "/v1/nodes/w1", {"availability": "active"}),
        (lambda c: c.delete_node("w1"), "DELETE", "/v1/nodes/w1", None),
        (lambda c: c.apply([{"name": "a"}]), "POST", "/v1/apply", {"services": [{"name": "a"}]}),
    ],
)
def test_a_write_is_one_request_with_a_key(
    play: Play, caller: Make, act: Callable[[OkubeClient], object], method: str, path: str, body: Json | None
) -> None:
    manager = play(lambda _: Reply(200, {}))
    act(_client(caller, manager))
    (received,) = manager.received
    assert (received.method, received.path) == (method, path)
    assert (received.json() if received.body else None) == body
    assert received.key


def test_a_dry_run_says_so(play: Play, caller: Make) -> None:
    manager = play(lambda _: Reply(200, {}))
    _client(caller, manager).apply([], dry_run=True)
    assert manager.received[0].query == {"dry_run": "true"}


def test_each_write_has_a_key_of_its_own_and_keeps_it_over_retries(play: Play, caller: Make) -> None:
    answers = [no_leader(), no_leader(), Reply(200, {}), no_leader(), Reply(200, {})]
    manager = play(lambda _: answers.pop(0))
    client = _client(caller, manager)
    client.delete_service("a")
    client.delete_service("a")
    keys = [r.key for r in manager.received]
    assert len(set(keys[:3])) == 1
    assert len(set(keys[3:])) == 1
    assert keys[0] != keys[3]


def test_compare_and_set_sends_the_revision(play: Play, caller: Make) -> None:
    manager = play(lambda _: Reply(200, {}))
    _client(caller, manager).put_service("web", {}, if_match=41)
    assert manager.received[0].headers["if-match"] == "41"


def test_names_are_escaped_in_paths(play: Play, caller: Make) -> None:
    manager = play(lambda _: problem(404, "not-found", "there is no service ../x?"))
    with pytest.raises(NotFound):
        _client(caller, manager).service("../x? y")
    assert manager.received[0].path == "/v1/services/..%2Fx%3F%20y"


def test_refusals_come_back_as_the_errors_they_were(play: Play, caller: Make) -> None:
    manager = play(lambda _: problem(422, "invalid", "it is wrong", [("image", "is missing")]))
    with pytest.raises(InvalidInput) as raised:
        _client(caller, manager).create_service({})
    assert raised.value.errors[0].path == "image"
    manager.behave = lambda _: problem(409, "conflict", "the name is taken")
    with pytest.raises(Conflict, match="the name is taken"):
        _client(caller, manager).create_service({})


def test_a_stale_read_asks_for_it_and_tells_its_age(play: Play, caller: Make) -> None:
    manager = play(lambda _: Reply(200, [], {"Okube-Revision": "12", "Okube-Age": "3.5"}))
    client = _client(caller, manager, stale=True)
    client.nodes()
    assert manager.received[0].query["stale"] == "true"
    assert client.freshness == Freshness(str(manager.address), 12, 3.5)


@pytest.mark.parametrize("data", [None, 7, "text", {"a": 1}, [1, 2]])
def test_an_answer_of_another_shape_is_told_and_no_traceback(play: Play, caller: Make, data: object) -> None:
    with pytest.raises(GarbledAnswer, match="is it a manager of Okube"):
        _client(caller, play(lambda _: Reply(200, data))).services()


def test_an_answer_that_is_no_json_is_told(play: Play, caller: Make) -> None:
    html = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"
    with pytest.raises(GarbledAnswer, match="no JSON"):
        _client(caller, play(lambda _: Reply(raw=html))).service("web")
