"""The versions of a service: what rollback goes back to."""

from tests.unit.manager.conftest import Api


async def test_the_versions_of_a_service_are_told_the_current_one_last(api: Api) -> None:
    await api("POST", "/v1/services", {"name": "web", "image": "example/web:1"})
    await api("PUT", "/v1/services/web", {"image": "example/web:2"})
    found = (await api("GET", "/v1/services/web/versions")).body
    told = [(one["version"], one["current"], one["spec"]["image"]) for one in found]
    assert told == [(1, False, "example/web:1"), (2, True, "example/web:2")]


async def test_what_is_not_there_has_no_versions(api: Api) -> None:
    assert (await api("GET", "/v1/services/nothing/versions")).status == 404
