from pathlib import Path

import pytest

from okube.model.errors import BadFile
from vagrant.nextversion import next_version, with_next_version

_ROOT = Path(__file__).parents[3]


def test_the_next_version_has_a_last_number_one_higher() -> None:
    assert next_version("0.1.0") == "0.1.1"
    assert next_version("1.2.9") == "1.2.10"


def test_a_checkout_under_its_next_version_differs_in_that_line_alone() -> None:
    text = (_ROOT / "pyproject.toml").read_text()
    lines = zip(text.splitlines(), with_next_version(text).splitlines(), strict=True)
    differing = [(before, after) for before, after in lines if before != after]
    assert len(differing) == 1
    assert differing[0][0].startswith("version = ")


def test_a_file_without_a_version_is_refused() -> None:
    with pytest.raises(BadFile, match="tells no version"):
        with_next_version("[project]\n")
