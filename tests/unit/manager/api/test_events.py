"""What `GET /v1/events` answers."""

from tests.unit.manager.conftest import Api

WEB = {"name": "web", "image": "example/web:1", "replicas": 1}


async def test_events_are_listed_with_the_newest_last_and_who_asked(api: Api) -> None:
    await api("POST", "/v1/services", WEB)
    await api("POST", "/v1/services/web/stop")
    await api("DELETE", "/v1/services/web")
    events = (await api("GET", "/v1/events?service=web")).body
    told = [(e["kind"], e["by"]) for e in events if e["kind"].startswith("service-")]
    assert told == [("service-created", "admin"), ("service-stopped", "admin"), ("service-removed", "admin")]
    assert [e["revision"] for e in events] == sorted(e["revision"] for e in events)


async def test_a_new_leader_is_an_event(api: Api) -> None:
    (event,) = (await api("GET", "/v1/events?kind=leader-elected")).body
    assert (event["subject_kind"], event["subject"], event["count"]) == ("manager", "m1", 1)
    assert event["time"] == event["first_time"]


async def test_events_are_filtered_and_come_in_pages(api: Api) -> None:
    for number in range(5):
        await api("POST", "/v1/services", {**WEB, "name": f"s{number}", "replicas": 0})
    path = "/v1/events?kind=service-created&level=info"
    first = await api("GET", f"{path}&limit=3")
    assert [e["subject"] for e in first.body] == ["s0", "s1", "s2"]
    rest = await api("GET", f"{path}&limit=3&continue={first.headers['Okube-Continue']}")
    assert [e["subject"] for e in rest.body] == ["s3", "s4"]
    since = await api("GET", f"{path}&since={first.body[1]['revision']}")
    assert [e["subject"] for e in since.body] == ["s2", "s3", "s4"]
    assert (await api("GET", "/v1/events?subject=s3&kind=service-created")).body[0]["subject"] == "s3"
    assert (await api("GET", "/v1/events?node=w9")).body == []


async def test_a_filter_that_nothing_can_pass_is_refused(api: Api) -> None:
    answer = await api("GET", "/v1/events?kind=gossip&level=loud")
    assert answer.status == 422
    assert [e["path"] for e in answer.body["errors"]] == ["kind", "level"]
