"""The options that commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from okube.cli.session import FORMATS, Session

__all__ = ["connects", "examples", "formats", "shows", "times", "waits", "watched"]

F = TypeVar("F", bound=Callable[..., Any])


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None and param.name is not None:
        setattr(ctx.find_root().ensure_object(Session), param.name, value)


def connects(command: F, *, hidden: bool = True) -> F:
    """``--manager`` and ``--config``: where the cluster is. Only the outermost help shows what every command takes."""
    command = click.option(
        "--config",
        type=click.Path(),
        metavar="FILE",
        callback=_keep,
        expose_value=False,
        hidden=hidden,
        help="cluster.yaml; else OKUBE_CONFIG.",
    )(command)
    return click.option(
        "--manager",
        metavar="URL[,URL…]",
        callback=_keep,
        expose_value=False,
        hidden=hidden,
        help="The managers; else OKUBE_MANAGERS.",
    )(command)


def shows(command: F, *, hidden: bool = True) -> F:
    """``-o`` and ``--stale``: how a thing is shown."""
    command = click.option(
        "--stale",
        is_flag=True,
        default=None,
        callback=_keep,
        expose_value=False,
        hidden=hidden,
        help="Read what any manager knows, without quorum too.",
    )(command)
    return formats(command)


def formats(command: F) -> F:
    """``-o``: the format of what a command prints."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(FORMATS),
        metavar="FORMAT",
        callback=_keep,
        expose_value=False,
        help="table, wide, json or yaml.",
    )(command)


class Duration(click.ParamType[float]):
    """Seconds from ``500ms``, ``3s``, ``2m``, or a number of seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds; fails with a sentence on what is allowed."""
        from okube.model.quantities import parse_seconds

        try:
            return parse_seconds(float(value) if str(value).replace(".", "", 1).isdigit() else value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


times = Duration()


def waits(command: F) -> F:
    """``--wait``, ``--no-wait`` and ``--timeout``."""
    command = click.option(
        "--timeout", type=times, default="60s", metavar="TIME", hidden=True, help="How long to wait."
    )(command)
    return click.option("--wait/--no-wait", default=True, help="Wait 60s (or --timeout TIME) until it is done.")(
        command
    )


watched = click.option("-w", "--watch", is_flag=True, help="Go on, and show every change.")


def examples(text: str) -> str:
    """An epilog that click leaves as it is."""
    lines = [f"  {line}" for line in text.strip().splitlines()]
    return "\b\nExamples:\n" + "\n".join(lines)
