"""The examples of docs/configuration.md are what they claim to be."""

import re
from pathlib import Path

import pytest

from okube.config import load_cluster, load_documents, render_errors
from okube.model.errors import InvalidInput, OkubeError
from okube.model.spec import decode_spec

MANUAL = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
RIGHT = re.findall(r"^```yaml\n(.*?)^```$", MANUAL, re.MULTILINE | re.DOTALL)
WRONG = re.findall(r"^```yaml title=(\S+)\n(.*?)^```\n.*?^```console\n(.*?)^```$", MANUAL, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said_of(name: str, text: str) -> list[str]:
    """What is said of a file: a line for each error, none where all is right."""
    path = Path(name)
    path.write_text(text)
    try:
        documents = load_documents(path)
        if "cluster" in documents[0].data:
            load_cluster(path)
            return []
    except OkubeError as error:
        return str(error).splitlines()
    try:
        for document in documents:
            decode_spec(document.data)
    except InvalidInput as error:
        return render_errors(document, error)
    return []


@pytest.mark.parametrize("text", RIGHT)
def test_each_example_is_right(text: str) -> None:
    assert said_of("example.yaml", text) == []


@pytest.mark.parametrize(("name", "text", "shown"), WRONG)
def test_the_errors_shown_are_those_that_come(name: str, text: str, shown: str) -> None:
    command, *lines = shown.splitlines()
    assert command.startswith("$ okube ")
    assert said_of(name, text) == lines


def test_there_are_examples_of_both() -> None:
    assert len(RIGHT) >= 4
    assert len(WRONG) >= 3
