"""The page of a trial: its times as a table, and what was typed and shown."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["render_page"]

_HEAD = """# The lab of virtual machines, tried

One manager and two workers as virtual machines, brought up with Vagrant and libvirt by software emulation (no KVM, two
cores), installed with `okube cluster install` and used; `vagrant/lab trial --write` made this page. On a machine with
KVM all of it is about ten times as fast. How to use the lab is in [vagrant/README.md](../vagrant/README.md).

| step | seconds |
|---|---|
"""
_LINE_MOST = 160


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
        shown = "\n".join(_cut(_elsewhere(line, folders)) for line in body).strip("\n")
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


def _cut(line: str) -> str:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
    return plain if len(plain) <= _LINE_MOST else f"{plain[: _LINE_MOST - 1]}…"
