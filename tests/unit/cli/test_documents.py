from pathlib import Path

import pytest

from okube.cli.documents import read_specs

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.name)
def test_every_example_is_a_service_file(file: Path) -> None:
    assert read_specs([str(file)])
