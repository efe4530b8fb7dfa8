"""The page of a trial: its times as a table, and what was typed and shown."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["render_page"]

_HEAD = """# The lab of virtual machines, tried

One manager and two workers as virtual machines, brought up with Vagrant and libvirt by software emulation (no KVM, two
cores), installed with `okube cluster install` and used; `vagrant/lab trial --write` made this page. With KVM all
of it is much faster. How to use the lab is in [vagrant/README.md](../vagrant/README.md).

| step | seconds |
|---|---|
"""
_LINE_MOST = 160
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_NOISE = re.compile(
    r"Progress: \d+%|==> \S+:  -- .*|    \S+:|.*No version detected for.*|"
    r".*generating a local metadata for the box.*|.*/docs/boxes/format.*|.*Connection refused\. Retrying.*"
)
"""Lines of Vagrant that tell nothing: what it shows of a download, a machine's settings, what is empty, and hints."""


def render_page(lines: Sequence[str], times: Sequence[tuple[str, float]], folders: Mapping[Path, str]) -> str:
    """The page; titles of the transcript become headings, what is between them is shown as it was.

    Args:
        lines: the transcript.
        times: what took how long, in seconds.
        folders: how folders of this machine are shown to others.
    """
    table = "".join(f"| {what} | {took:.1f} |\n" for what, took in times)
    parts: list[str] = []
    for title, body in _parts(lines):
        shown = "\n".join(_telling([_elsewhere(line, folders) for line in body])).strip("\n")
        parts.append(f"\n## {title}\n\n```\n{shown}\n```\n")
    return _HEAD + table + "".join(parts)


def _parts(lines: Sequence[str]) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("## "):
            found.append((line.removeprefix("## "), []))
        elif found:
            found[-1][1].append(line)
    return found


def _elsewhere(line: str, folders: Mapping[Path, str]) -> str:
    for folder, name in folders.items():
        line = line.replace(str(folder), name)
    return line


def _telling(lines: Sequence[str]) -> list[str]:
    """The lines that say something, without what moves a cursor, and one empty line at most between them."""
    found: list[str] = []
    for line in lines:
        plain = _cut(_CONTROL.sub("", line).rstrip())
        if _NOISE.fullmatch(plain) or (not plain and (not found or not found[-1])):
            continue
        found.append(plain)
    return found


def _cut(line: str) -> str:
    return line if len(line) <= _LINE_MOST else f"{line[: _LINE_MOST - 1]}…"
