"""Apps where commands take services: an app's name stands for all of its services."""

from collections.abc import Iterable, Sequence
from typing import Any

import click

from okube.cli import complete
from okube.cli.likely import close_to
from okube.client.api import OkubeClient
from okube.model.errors import NotFound

__all__ = ["app_option", "services_meant", "services_of_app"]

Row = dict[str, Any]

app_option = click.option("--app", metavar="NAME", help="All services of this app.", shell_complete=complete.APPS)


def services_meant(client: OkubeClient, names: Sequence[str], app: str | None) -> tuple[str, ...]:
    """The services that are named, and those of the app, each once.

    Raises:
        click.UsageError: neither is given.
        NotFound: there is no such app.
    """
    if not names and app is None:
        raise click.UsageError("nothing is named: write a service, or --app NAME")
    of_app = () if app is None else services_of_app(client, app)
    return tuple(dict.fromkeys([*names, *of_app]))


def services_of_app(client: OkubeClient, app: str) -> tuple[str, ...]:
    """The names of an app's services.

    Raises:
        NotFound: it has none; the closest app that there is stands in the sentence.
    """
    found = client.services(app=app)
    if not found:
        raise no_such_app(app, (str(s["app"]) for s in client.services() if s.get("app")))
    return tuple(str(service["name"]) for service in found)


def no_such_app(app: str, known: Iterable[str]) -> NotFound:
    """The refusal, with the app that was likely meant."""
    return NotFound(f"there is no app {app}{close_to([app], sorted(set(known)), 'app')}")
