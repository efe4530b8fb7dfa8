import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okube.config import line_of, load_documents, yamldoc
from okube.model.errors import Malformed

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
# "0o17" is a number for YAML 1.2 and text for the YAML 1.1 that PyYAML writes, without quotes.
texts = words.filter(lambda text: not text.startswith("0o"))
scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts
)
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=25
)
yamlish = st.text(st.sampled_from(list("ab:- {}[],&*!|>'\"#%@?\n\t~<01.\\é")), max_size=60)


@pytest.fixture(params=[yaml.CSafeLoader, yaml.SafeLoader])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamldoc, "_PARSER", request.param)


both_parsers = pytest.mark.usefixtures("_parser")
patiently = settings(
    deadline=None,  # other tests share the machine
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],  # the parser is the test's own
)


def paths_in(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        children = [(f"{path}.{key}" if path else key, child) for key, child in value.items()]
    elif isinstance(value, list):
        children = [(f"{path}[{n}]", child) for n, child in enumerate(value)]
    else:
        children = []
    return [path, *(found for where, child in children for found in paths_in(child, where))]


@both_parsers
@patiently
@given(st.dictionaries(texts, data, max_size=4), st.booleans())
def test_what_is_written_as_yaml_is_read_back(value: dict[str, Any], flow: bool) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True, sort_keys=False)
    (document,) = load_documents(text)
    assert document.data == value


@patiently
@given(data.filter(lambda value: isinstance(value, dict | list)), st.sampled_from([None, 0, "\t"]), st.booleans())
def test_what_is_written_as_json_is_read_back(value: Any, indent: Any, ascii_only: bool) -> None:
    (document,) = load_documents(json.dumps(value, indent=indent, ensure_ascii=ascii_only), source="x.json")
    assert document.data == value


@patiently
@given(st.dictionaries(texts, data, max_size=4))
def test_each_field_has_a_line_of_the_file(value: dict[str, Any]) -> None:
    text = json.dumps(value, indent=1)
    (document,) = load_documents(text, source="x.json")
    count = len(text.split("\n"))
    assert set(paths_in(value)) == set(document.lines)
    assert all(1 <= line <= count for line in document.lines.values())


@both_parsers
@patiently
@given(yamlish | st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    try:
        documents = load_documents(text, source="f")
    except Malformed as error:
        lines = (
            text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029") + 1
        )
        for sentence in str(error).split("\nf:"):
            assert 1 <= int(sentence.removeprefix("f:").split(":")[0]) <= lines
        return
    for document in documents:
        json.dumps(document.data).encode()


@patiently
@given(st.text(max_size=20))
def test_any_path_has_a_line(path: str) -> None:
    (document,) = load_documents("a: 1\nb: [1, 2]\n")
    assert line_of(document, path) in (1, 2)
