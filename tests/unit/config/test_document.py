import pytest

from okube.config.document import Document, line_of, render_errors
from okube.model.errors import FieldError, InvalidInput, NotFound

DOCUMENT = Document(
    data=None,
    lines={"": 2, "managers": 4, "managers[0]": 5, "managers[0].port": 6, "labels.a.b": 9},
    source="cluster.yaml",
)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", 2),
        ("managers", 4),
        ("managers[0].port", 6),
        ("managers[0].host", 5),
        ("managers[0].deep.er[3].still", 5),
        ("managers[1].port", 4),
        ("timing", 2),
        ("timing.heartbeat", 2),
        ("labels.a.b", 9),
        (".", 2),
        ("]", 2),
    ],
)
def test_a_field_stands_in_its_line_or_in_that_of_the_nearest_thing_around_it(path: str, line: int) -> None:
    assert line_of(DOCUMENT, path) == line


def test_errors_come_in_the_order_of_the_file() -> None:
    error = InvalidInput.of([FieldError("managers[0].port", "70000 is no port"), FieldError("cluster", "is missing")])
    assert render_errors(DOCUMENT, error) == [
        "cluster.yaml:2: cluster: is missing",
        "cluster.yaml:6: managers[0].port: 70000 is no port",
    ]


def test_an_error_of_no_field_is_told_at_the_beginning() -> None:
    assert render_errors(DOCUMENT, NotFound("There is no node n9.")) == ["cluster.yaml:2: There is no node n9."]


def test_an_error_of_the_whole_document_has_no_path() -> None:
    error = InvalidInput("", (FieldError("", "a mapping with keys is expected, not 5"),))
    assert render_errors(DOCUMENT, error) == ["cluster.yaml:2: a mapping with keys is expected, not 5"]
