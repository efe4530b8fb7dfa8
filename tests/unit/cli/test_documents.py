from pathlib import Path

import pytest

from okube.cli.documents import read_specs

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.name)
def test_every_example_is_a_service_file(file: Path) -> None:
    assert read_specs([str(file)])


def test_all_examples_may_be_applied_together() -> None:
    names = [placed.spec.name for placed in read_specs([str(EXAMPLES)])]
    assert len(names) == len(set(names)) >= 6
