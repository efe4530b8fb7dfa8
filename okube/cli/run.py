"""``okube run``: a service made of an image and flags."""

import os
import random
import re
from typing import Any

import click

from okube.cli import early
from okube.cli.exits import BadInput
from okube.cli.options import connects, examples, formats, waits
from okube.cli.outcome import finish
from okube.cli.session import session
from okube.model.errors import InvalidInput
from okube.model.names import MAX_NAME, new_id

__all__ = ["name_from_image", "run"]

_FLAGS = {
    "name": "--name",
    "image": "--image",
    "app": "--app",
    "mode": "--mode",
    "replicas": "--replicas",
    "resources.cpus": "--cpus",
    "resources.memory": "--memory",
    "resources.disk": "--disk",
    "resources.limits": "--limit",
    "resources": "--resource",
    "ports": "-p",
    "env": "-e",
    "volumes": "-v",
    "secrets": "--secret",
    "restart": "--restart",
    "constraints": "--constraint",
    "labels": "--label",
    "command": "CMD",
}


@click.command(
    context_settings={"ignore_unknown_options": False},
    epilog=examples("""
okube run --image nginx:1.27 --name web --replicas 3 -p 8080:80
"""),
)
@click.option("--image", required=True, metavar="IMAGE", help="What to run, such as nginx:1.27.")
@click.option("--name", metavar="NAME", help="The service's name; else made of the image's.")
@click.option("--app", metavar="APP", help="The app that it belongs to.")
@click.option("--replicas", type=int, default=1, show_default=True, metavar="N", help="How many tasks.")
@click.option("--mode", metavar="MODE", help="replicated, global (one a node) or job.")
@click.option("--cpus", type=float, metavar="CORES", help="Cores each task is promised, such as 0.5.")
@click.option("--memory", metavar="SIZE", help="Memory each task is promised, such as 256M.")
@click.option("--disk", metavar="SIZE", help="Disk each task is promised, such as 1G.")
@click.option("--resource", "named", multiple=True, metavar="NAME=N", help="So many of a named resource: gpu=1.")
@click.option("--limit", "limits", multiple=True, metavar="R=N", help="cpus or memory it may use at most: memory=1G.")
@click.option("-p", "--publish", "ports", multiple=True, metavar="HOST:CONT", help="A port; also 53:53/udp, or 80.")
@click.option("-e", "--env", multiple=True, metavar="K=V", help="A variable; K alone takes its value from here.")
@click.option("-v", "--volume", "volumes", multiple=True, metavar="V:PATH", help="A volume or path; :ro to only read.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME[:PATH]", help="A secret, at PATH or in /run/secrets.")
@click.option("--restart", metavar="POLICY", help="always, on-failure[:MAX] or never.")
@click.option("--constraint", "constraints", multiple=True, metavar="C", help="Such as 'node.labels.disk == ssd'.")
@click.option("--label", "labels", multiple=True, metavar="K=V", help="A label of the service.")
@click.argument("command", nargs=-1, metavar="[-- CMD…]")
@waits
@connects
@formats
def run(wait: bool, timeout: float, **flags: Any) -> None:
    """Make a service of an image, and wait until its tasks are ready."""
    here = session()
    spec = spec_of(flags, os.environ, random.SystemRandom())
    made = here.client().create_service(spec, key=early.key_of(spec))
    if spec.keys() & {"env", "labels", "command"}:
        from okube.cli.leaks import warn_of_leaks  # after the request has left: it takes a few milliseconds to load
        from okube.model.spec import decode_spec

        warn_of_leaks([decode_spec(spec)])
    finish(
        here,
        [made],
        of=[spec["name"]],
        wait=wait,
        timeout_s=timeout,
    )


def spec_of(flags: dict[str, Any], environment: Any, rng: random.Random) -> dict[str, Any]:
    """The service file's fields that the flags stand for.

    Raises:
        BadInput: a line for each flag that is wrong.
    """
    from okube.model.spec import decode_spec

    lines: list[str] = []
    data: dict[str, Any] = {
        "name": flags["name"] or name_from_image(flags["image"], rng),
        "image": flags["image"],
        "app": flags["app"],
        "mode": flags["mode"],
        "replicas": flags["replicas"],
        "command": list(flags["command"]),
        "env": _env(flags["env"], environment, lines),
        "ports": list(flags["ports"]),
        "resources": _resources(flags, lines),
        "volumes": list(flags["volumes"]),
        "secrets": list(flags["secrets"]),
        "restart": flags["restart"],
        "constraints": list(flags["constraints"]),
        "labels": _pairs("--label", flags["labels"], lines),
    }
    data = {key: value for key, value in data.items() if value not in (None, [], {})}
    try:
        decode_spec(data)
    except InvalidInput as error:
        lines += [f"{_flag(e.path, flags)}: {e.message}" for e in error.errors]
    if lines:
        raise BadInput(lines, "nothing was changed; `okube run --help` shows examples")
    return data


def name_from_image(image: str, rng: random.Random) -> str:
    """``nginx-k3v9`` for ``registry.example.com/library/nginx:1.27``."""
    last = image.partition("@")[0].rstrip("/").rpartition("/")[2].partition(":")[0].lower()
    stem = re.sub(r"[^a-z0-9]+", "-", last).strip("-")[: MAX_NAME - 5].strip("-")
    return f"{stem or 'service'}-{new_id(rng)[:4]}"


def _resources(flags: dict[str, Any], lines: list[str]) -> dict[str, Any]:
    made = {key: flags[key] for key in ("cpus", "memory", "disk") if flags[key] is not None}
    named = {name: _number(count) for name, count in _pairs("--resource", flags["named"], lines, "gpu=1").items()}
    limits = _pairs("--limit", flags["limits"], lines, "memory=1G")
    if "cpus" in limits:
        limits["cpus"] = _number(limits["cpus"])
    return made | named | ({"limits": limits} if limits else {})


def _number(text: Any) -> Any:
    """What a text is as a number; the text where it is none, for the sentence about it."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _env(given: tuple[str, ...], environment: Any, lines: list[str]) -> dict[str, str]:
    made = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals and key not in environment:
            lines.append(f"-e: {key!r} has no value, neither as {key}=VALUE nor in the environment of this command")
            continue
        made[key] = value if equals else environment[key]
    return made


def _pairs(flag: str, given: tuple[str, ...], lines: list[str], like: str = "") -> dict[str, Any]:
    made = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals:
            lines.append(
                f"{flag}: {item!r} is no {f'amount: write it as {like}' if like else 'label: write KEY=VALUE'}"
            )
        made[key] = value
    return made


def _flag(path: str, flags: dict[str, Any]) -> str:
    """The flag that a field of the spec came from; the value itself where a flag may be given several times."""
    found = next(
        (flag for field, flag in _FLAGS.items() if path == field or path.startswith((f"{field}.", f"{field}["))), None
    )
    return found or path
