"""Services by the names that others call them: those of one app by their short names too."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from okube.state.tables import Tables

__all__ = ["called"]


def called(tables: "Tables", name: str, app: str | None) -> str | None:
    """The id of the service that one of ``app`` calls ``name``: ``shop-db`` for ``db`` of ``shop``, else ``name``."""
    if app is not None:
        sibling = tables.service_named(f"{app}-{name}")
        if sibling is not None and sibling.spec.app == app:
            return sibling.id
    return tables.service_ids.get(name)
