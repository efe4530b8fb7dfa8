"""Who may call what: the whole table, cell by cell.

``roles.txt`` is what should hold, written by hand; the routes say what does. A new route gets its row there.
"""

import re
from pathlib import Path

import pytest

from okube.manager.api.caller import Caller, admin, authorize, peer
from okube.manager.api.route import Route
from okube.manager.api.routes import ROUTES
from okube.model.errors import Forbidden
from tests.unit.manager.conftest import Api
from tests.unit.manager.people import a_user, token_of

Table = dict[tuple[str, str], dict[str, bool]]

CALLERS = {
    "viewer": Caller("user", "vera", "viewer"),
    "operator": Caller("user", "otto", "operator"),
    "admin": Caller("user", "anna", "admin"),
    "app-viewer": Caller("user", "vic", "viewer", ("shop",)),
    "app-operator": Caller("user", "olga", "operator", ("shop",)),
    "worker": peer("worker", "w1"),
    "manager": peer("manager", "m1"),
}
PEOPLE = {column: caller for column, caller in CALLERS.items() if caller.is_person}


def _table() -> Table:
    head, *rows = Path(__file__).with_name("roles.txt").read_text(encoding="utf-8").splitlines()
    columns = head.split()[2:]
    found: Table = {}
    for row in rows:
        method, path, *cells = row.split()
        assert set(cells) <= {"yes", "-"} and (method, path) not in found, row
        found[method, path] = {column: cell == "yes" for column, cell in zip(columns, cells, strict=True)}
    return found


TABLE = _table()


def _may(caller: Caller, route: Route, node: str = "w1") -> bool:
    try:
        authorize(caller, route, node=node)
    except Forbidden:
        return False
    return True


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(TABLE) == {(route.method, route.path) for route in ROUTES}, (
        "a route is new or gone: say in roles.txt who may call it"
    )


@pytest.mark.parametrize("column", CALLERS)
def test_each_cell_is_decided_as_the_table_says(column: str) -> None:
    decided = {(route.method, route.path): _may(CALLERS[column], route) for route in ROUTES}
    assert decided == {place: cells[column] for place, cells in TABLE.items()}


def test_who_holds_what_okube_up_left_may_do_what_an_admin_may() -> None:
    for route in ROUTES:
        assert _may(admin(), route) == TABLE[route.method, route.path]["admin"], route.name


def test_an_agent_speaks_for_no_other_node() -> None:
    for route in ROUTES:
        if route.role == "worker":
            assert not _may(CALLERS["worker"], route, node="w2"), route.name


def test_a_path_that_is_not_there_is_told_to_all_but_agents() -> None:
    for column, caller in CALLERS.items():
        allowed = True
        try:
            authorize(caller, None, node=None)
        except Forbidden:
            allowed = False
        assert allowed == (column != "worker")


async def test_over_http_each_cell_is_allowed_or_refused_as_the_table_says(api: Api) -> None:
    for caller in PEOPLE.values():
        assert caller.role is not None
        await a_user(api, caller.name, caller.role, *caller.apps)
    wrong = []
    for route in ROUTES:
        named = route.path.replace("apps/{name}", "apps/shop").replace("{how}", "stop")
        path = re.sub(r"{\w+}", "nothing", named)
        body: dict[str, str] | None = None if route.method == "GET" else {}
        cells = TABLE[route.method, route.path]
        nobody = await api(route.method, path, body, token=None)
        if (nobody.status != 401) != cells["nobody"]:
            wrong.append((route.name, "nobody", nobody.status))
        for column, caller in PEOPLE.items():
            found = await api(route.method, path, body, token=token_of(caller.name))
            if (found.status not in (401, 403)) != cells[column]:
                wrong.append((route.name, column, found.status))
    assert wrong == []
