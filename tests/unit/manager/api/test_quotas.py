"""Quotas by the API: set, shown to those whose they are, and enforced."""

from typing import Any

import pytest

from okube.model.versions import COMMAND_VERSION
from tests.unit.manager.conftest import Api
from tests.unit.manager.people import a_user, token_of

WEB = {"name": "web", "app": "shop", "image": "example/web:1", "replicas": 2, "resources": {"memory": "1G", "gpu": 1}}


@pytest.fixture
async def site(api: Api) -> Api:
    while api.core.tables.settings.command_version < COMMAND_VERSION:
        await api.core.raft.wait_applied(api.core.raft.applied_index + 1)
    return api


async def test_a_quota_is_set_shown_and_removed(site: Api) -> None:
    assert (await site("POST", "/v1/services", WEB)).status == 201
    made = await site("PUT", "/v1/quotas/app/shop", {"cpus": 8, "memory": "16G", "gpu": 2, "named": {"tuner": 0}})
    assert (made.status, made.body["limits"]) == (
        200,
        {
            "cpus": 8.0,
            "memory": 16 << 30,
            "disk": None,
            "tasks": None,
            "services": None,
            "named": {"gpu": 2, "tuner": 0},
        },
    )
    assert made.body["used"] == {
        "cpus": 0.0,
        "memory": 2 << 30,
        "disk": 0,
        "tasks": 2,
        "services": 1,
        "named": {"gpu": 2, "tuner": 0},
    }
    assert made.body["over"] == []
    assert (await site("GET", "/v1/quotas/app/shop")).body == made.body
    assert (await site("GET", "/v1/quotas")).body == [made.body]
    assert (await site("DELETE", "/v1/quotas/app/shop")).status == 200
    assert (await site("GET", "/v1/quotas/app/shop")).status == 404
    assert (await site("GET", "/v1/quotas")).body == []


async def test_what_goes_beyond_it_is_refused_and_a_dry_run_says_so_too(site: Api) -> None:
    await site("PUT", "/v1/quotas/app/shop", {"tasks": 1})
    for answer in (
        await site("POST", "/v1/services", WEB),
        await site("POST", "/v1/apply", {"services": [WEB]}),
        await site("POST", "/v1/apply?dry_run=true", {"services": [WEB]}),
    ):
        assert answer.status == 409
        assert answer.body["detail"].startswith("this goes beyond the quota of app shop: tasks 2 more asked, 0 of 1 in")
    assert (await site("GET", "/v1/services")).body == []
    assert (await site("POST", "/v1/apply?dry_run=true", {"services": [{**WEB, "replicas": 1}]})).status == 200


async def test_a_service_counts_for_the_user_who_made_it(site: Api) -> None:
    await a_user(site, "alice", "operator")
    alice = token_of("alice")
    await site("PUT", "/v1/quotas/user/alice", {"services": 1})
    assert (await site("POST", "/v1/services", WEB, token=alice)).status == 201
    refused = await site("POST", "/v1/services", {**WEB, "name": "api"}, token=alice)
    assert (refused.status, "quota of user alice" in refused.body["detail"]) == (409, True)
    assert (await site("POST", "/v1/services", {**WEB, "name": "api"})).status == 201


async def test_who_has_some_apps_sees_their_quotas_and_sets_none(site: Api) -> None:
    await a_user(site, "olga", "operator", "shop")
    olga = token_of("olga")
    for owner in ("app/shop", "app/bank", "user/olga", "user/alice"):
        assert (await site("PUT", f"/v1/quotas/{owner}", {"tasks": 5})).status == 200
    seen = (await site("GET", "/v1/quotas", token=olga)).body
    assert [(row["kind"], row["name"]) for row in seen] == [("app", "shop")]
    statuses = {
        owner: (await site("GET", f"/v1/quotas/{owner}", token=olga)).status
        for owner in ("app/shop", "app/bank", "user/olga", "user/alice")
    }
    assert statuses == {"app/shop": 200, "app/bank": 403, "user/olga": 200, "user/alice": 403}
    assert (await site("PUT", "/v1/quotas/app/shop", {"tasks": 50}, token=olga)).status == 403
    assert (await site("DELETE", "/v1/quotas/app/shop", token=olga)).status == 403


@pytest.mark.parametrize(
    ("path", "body", "start"),
    [
        ("/v1/quotas/team/a", {"tasks": 1}, "'team' has no quotas: they are of an app or of a user"),
        ("/v1/quotas/app/A_b", {"tasks": 1}, "'A_b' is not a name"),
        ("/v1/quotas/app/a", {}, "nothing is limited: give one of cpus, memory"),
        ("/v1/quotas/app/a", {"tasks": -1}, "-1 is out of range"),
        ("/v1/quotas/app/a", {"tasks": 1.5}, "a whole number is expected"),
        ("/v1/quotas/app/a", {"cpus": -0.5}, "-0.5 is out of range"),
        ("/v1/quotas/app/a", {"cpus": 1e30}, "1e+30 is out of range"),
        ("/v1/quotas/app/a", {"memory": "lots"}, "'lots' is not an amount of bytes"),
        ("/v1/quotas/app/a", {"gpu": "two"}, "a whole number is expected"),
        ("/v1/quotas/app/a", {"task": 2}, "unknown key (did you mean 'tasks'?)"),
        ("/v1/quotas/app/a", {"named": {"cpu": 2}}, "'cpu' cannot be the name of a resource"),
    ],
)
async def test_what_is_no_quota_is_refused(site: Api, path: str, body: dict[str, Any], start: str) -> None:
    answer = await site("PUT", path, body)
    assert answer.status == 422
    assert answer.body["errors"][0]["message"].startswith(start)
