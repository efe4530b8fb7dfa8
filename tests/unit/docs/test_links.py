"""Links between the pages of the documentation lead somewhere."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def _prose(page: Path) -> str:
    return _FENCED.sub("", page.read_text())


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as web pages of repositories have them."""
    headings = re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_links_lead_to_pages_and_headings_that_are_there(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        if re.match(r"https?:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_index_names_every_page() -> None:
    index = (_ROOT / "docs" / "README.md").read_text()
    missing = [page.name for page in _PAGES if page.name != "README.md" and f"({page.name})" not in index]
    assert missing == []


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_addresses_in_pages_are_those_kept_for_examples(page: Path) -> None:
    """Documentation (192.0.2.0/24) and benchmarking (198.18.0.0/15) ranges, loopback, and any."""
    text = re.sub(r"\d+(\.\d+){4,}", "", page.read_text())
    found = set(re.findall(r"(?<![\d.v])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.])", text))
    assert {a for a in found if not re.match(r"192\.0\.2\.|198\.1[89]\.|127\.|0\.0\.0\.0", a)} == set()
