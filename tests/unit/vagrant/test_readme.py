"""The lab's page names commands, files and scenarios that there are."""

import re

from vagrant.__main__ import lab
from vagrant.scenarios import SCENARIOS
from vagrant.site import FOLDER

_PAGE = (FOLDER / "README.md").read_text()


def test_commands_of_the_lab_that_are_named_are_there() -> None:
    assert set(re.findall(r"vagrant/lab ([a-z]+)", _PAGE)) <= set(lab.commands)


def test_every_scenario_is_named_and_no_other() -> None:
    assert set(re.findall(r"lab scenario ([a-z-]+)", _PAGE)) == set(SCENARIOS)


def test_files_of_the_lab_that_are_named_are_there() -> None:
    named = re.findall(r"^\| `([\w/.]+)`(?:, `([\w/.]+)`)? \|", _PAGE, re.MULTILINE)
    files = {name for pair in named for name in pair if (name and "." in name) or "/" in name}
    assert files
    assert {name for name in files if not (FOLDER / name).exists()} == set()


def test_links_lead_somewhere() -> None:
    assert [link for link in re.findall(r"\]\(([^)]+)\)", _PAGE) if not (FOLDER / link).exists()] == []
