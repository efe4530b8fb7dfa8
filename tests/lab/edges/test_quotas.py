"""Quotas of a real cluster: who asks several managers at once gets no more than who asks one."""

from concurrent.futures import ThreadPoolExecutor

from tests.lab.edges.caller import Caller

_MOST = 5


def test_many_who_ask_all_managers_at_once_get_the_quota_and_no_more(caller: Caller) -> None:
    asked = [f"crowd-{number}" for number in range(4 * _MOST)]
    managers = list(caller.ports)

    def make(number: int, name: str) -> int:
        spec = {"name": name, "app": "crowd", "image": "host", "command": ["sleep", "600"], "resources": {"seat": 1}}
        return caller(managers[number % len(managers)], "POST", "/v1/services", spec).status

    quota = caller("m1", "PUT", "/v1/quotas/app/crowd", {"tasks": 100, "seat": _MOST})
    assert quota.status == 200, quota.body
    try:
        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(make, range(len(asked)), asked))
        assert sorted(statuses) == [201] * _MOST + [409] * (len(asked) - _MOST)
        used = caller("m2", "GET", "/v1/quotas/app/crowd").json["used"]
        assert (used["services"], used["named"]) == (_MOST, {"seat": _MOST})
    finally:
        caller("m1", "DELETE", "/v1/apps/crowd")
        caller("m1", "DELETE", "/v1/quotas/app/crowd")
