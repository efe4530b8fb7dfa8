"""Figures in docs/reliability.md: each command writes its own section, between two marks."""

import re
from pathlib import Path

__all__ = ["write_section"]

_PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"


def write_section(name: str, text: str, *, page: Path = _PAGE) -> None:
    """Replace what stands between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->``."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before = page.read_text()
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(before):
        raise ValueError(f"{page} has no section {name}")
    page.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", before))
