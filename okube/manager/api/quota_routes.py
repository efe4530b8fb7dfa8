"""The table of routes, the part about quotas."""

import functools

from okube.manager.api.route import Answer, Parameter, Route
from okube.manager.api.route_parts import NAME, PAGE_HEADERS, PAGES, READ_HEADERS, STALE, WRITE, one_of
from okube.model.quota import QUOTA_KINDS, QuotaLimits, QuotaView

__all__ = ["QUOTAS"]

_KIND = Parameter("kind", "whose quota it is: that of an app, or of a user", one_of(*QUOTA_KINDS), "path")
_NAME = Parameter("name", "the app, or the user", NAME, "path")
_PATH = "/v1/quotas/{kind}/{name}"
_route = functools.partial(Route, group="quotas")

QUOTAS = (
    _route(
        method="GET",
        path="/v1/quotas",
        name="list_quotas",
        role="viewer",
        scope="app",
        text="All quotas, with what services ask for of each now.",
        parameters=PAGES,
        answers=(Answer(text="a page of quotas", of=list[QuotaView], headers=PAGE_HEADERS),),
    ),
    _route(
        method="GET",
        path=_PATH,
        name="get_quota",
        role="viewer",
        scope="app",
        text="One quota.",
        parameters=(_KIND, _NAME, STALE),
        answers=(Answer(text="the quota", of=QuotaView, headers=READ_HEADERS),),
        errors=(404,),
    ),
    _route(
        method="PUT",
        path=_PATH,
        name="put_quota",
        role="operator",
        text="Set how much the services of an app, or those that a user made, may ask for together; what is left out "
        "is not limited. A quota below what they ask for already stops nothing, and lets nothing more in.",
        parameters=(_KIND, _NAME, *WRITE),
        body=QuotaLimits,
        answers=(Answer(text="the quota", of=QuotaView),),
        errors=(404, 409),
    ),
    _route(
        method="DELETE",
        path=_PATH,
        name="remove_quota",
        role="operator",
        text="Have no such quota any more: nothing is limited.",
        parameters=(_KIND, _NAME, *WRITE),
        answers=(Answer(text="the quota as it was", of=QuotaView),),
        errors=(404, 409),
    ),
)
