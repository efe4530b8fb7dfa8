"""The pages name commands, flags and routes that there are."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from okube.cli.main import cli
from okube.manager.api.routes import ROUTES

_ROOT = Path(__file__).parents[3]
_RECORDING = _ROOT / "docs" / "tour.md"  # what was typed, mistakes and all
_PAGES = [_ROOT / "README.md", *sorted({*(_ROOT / "docs").glob("*.md")} - {_RECORDING})]
_COMING: set[str] = set()
"""Commands that pages may name as what a later change brings."""
_OF_AGENTS = {"/v1/assignment"}


def _typed(text: str) -> Iterator[str]:
    """What pages show as typed: in backticks, after a prompt, or alone on an indented line."""
    yield from re.findall(r"`(okube [^`]+)`", re.sub(r"\s+", " ", text))
    yield from re.findall(r"^(?:\$ |    )(okube .+)$", text, re.MULTILINE)


def _wrong(line: str) -> str | None:
    try:
        words = shlex.split(line, comments=True)[1:]
    except ValueError:
        return None  # a piece of prose
    words = words[: words.index("--")] if "--" in words else words
    names = [word for word in words if re.fullmatch(r"[a-z]+", word)]
    if not names or (words and not words[0].startswith("-") and words[0] != names[0]):
        return None
    ctx = click.Context(cli)
    command = cli.get_command(ctx, names[0])
    if command is None:
        return None if names[0] in _COMING else f"{line}: there is no command {names[0]}"
    known = {opt for each in (command, cli) for param in each.params for opt in (*param.opts, *param.secondary_opts)}
    if isinstance(command, click.Group):
        subs = [command.get_command(ctx, name) for name in command.list_commands(ctx)]
        known |= {opt for sub in subs if sub is not None for param in sub.params for opt in param.opts}
    flags = [word.partition("=")[0] for word in words if word.startswith("--")]
    unknown = [flag for flag in flags if flag not in {*known, "--help"}]
    return f"{line}: there is no {unknown}" if unknown else None


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_commands_that_are_named_are_there(page: Path) -> None:
    assert [wrong for line in _typed(page.read_text()) if (wrong := _wrong(line))] == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_routes_that_are_named_are_there(page: Path) -> None:
    shapes = {re.sub(r"\{[^}]*\}", "X", route.path).rstrip("/") for route in ROUTES}
    named = re.findall(r"(?:GET|POST|PUT|PATCH|DELETE) (/v1/[\w/{}:|-]+)", page.read_text())
    unknown = [path for path in named if re.sub(r"\{[^}]*\}|(?<=/)[A-Z]+(?=/|$)", "X", path).rstrip("/") not in shapes]
    assert set(unknown) <= _OF_AGENTS


def test_pages_name_commands_at_all() -> None:
    found = [line for page in _PAGES for line in _typed(page.read_text())]
    assert len(found) > 100
    assert _wrong("okube scael web=3")
    assert _wrong("okube ps --evrything")
    assert not _wrong("okube ps --all")
