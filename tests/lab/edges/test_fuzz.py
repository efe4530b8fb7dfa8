"""schemathesis against a real cluster: whatever is sent, no answer is a 5xx, and none is outside of the reference.

``OKUBE_FUZZ_EXAMPLES`` sets how many requests of each kind a route gets; the few of ``make test`` stay the same.
"""

import itertools
import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from okube.manager.api.routes import ROUTES
from tests.lab.edges.caller import Caller

Case = schemathesis.Case[Any]
_FEW = 4
_EXAMPLES = int(os.environ.get("OKUBE_FUZZ_EXAMPLES", str(_FEW)))
_JSON_ROUTES = [route for route in ROUTES if route.body_media == "application/json"]
_ENDLESS = frozenset({"watch", "follow"})
_NOT_OURS = (
    "ignored_auth",  # every request here is the admin's
    "use_after_free",  # names may come again
    "ensure_resource_availability",
    "positive_data_acceptance",  # what is right by itself may still be refused: no such service, a name taken
)


@pytest.fixture(scope="module")
def document(cluster: Any) -> dict[str, Any]:
    """What a manager serves as its reference; without credentials to make up, and with small numbers of tasks."""
    made: dict[str, Any] = Caller(cluster)("m1", "GET", "/openapi.json").json
    del made["security"], made["components"]["securitySchemes"]
    shapes = made["components"]["schemas"]
    shapes["ServiceSpec"]["properties"]["replicas"]["maximum"] = 2
    shapes["ScaleBody"]["properties"]["services"]["additionalProperties"]["maximum"] = 2
    return made


def _ways(route: Any) -> list[GenerationMode]:
    """Right requests, and wrong ones where there is anything to get wrong."""
    wrong = [GenerationMode.NEGATIVE] if route.parameters or route.body is not None else []
    return [GenerationMode.POSITIVE, *wrong]


@pytest.mark.parametrize(
    ("route", "mode"),
    [(route, mode) for route in _JSON_ROUTES for mode in _ways(route)],
    ids=lambda value: value.value if isinstance(value, GenerationMode) else value.name,
)
def test_no_answer_is_outside_of_the_reference(
    caller: Caller, document: dict[str, Any], route: Any, mode: GenerationMode
) -> None:
    operation = schemathesis.openapi.from_dict(document)[route.path][route.method]
    excluded: Any = [CHECKS.get_one(name) for name in _NOT_OURS]
    managers = itertools.cycle(caller.ports)
    with _session(caller) as session:

        @settings(
            max_examples=_EXAMPLES,
            deadline=None,
            database=None,
            derandomize=_EXAMPLES == _FEW,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            if _never_ends(case):
                return
            url = caller.url(next(managers))
            response = case.call(base_url=url, session=session, verify=session.verify, timeout=20)
            case.validate_response(response, excluded_checks=excluded)

        ask()


def _session(caller: Caller) -> Any:
    session = requests.Session()
    session.trust_env = False  # or a CA of the environment would be believed in place of the cluster's
    session.verify = str(caller.admin / "ca.crt")
    session.headers["Authorization"] = f"Bearer {caller.token}"
    return session


def _never_ends(case: Case) -> bool:
    """Whether it asks for a stream, or for what a flag may also be written as (which the reference does not say)."""
    return any(str(value).lower() in ("true", "1", "0") for value in _flags(case))


def _flags(case: Case) -> Iterator[object]:
    query = case.query or {}
    for name, value in query.items():
        if name in _ENDLESS or str(value) in ("0", "1"):
            yield from value if isinstance(value, list) else [value]
