"""However cluster.yaml is written, a change of it says what was meant, or is refused."""

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.config import load_documents
from okube.config.edit import with_entry, with_hosts, without_entries
from okube.model.errors import Conflict

HOSTS = st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "a.example.com", "localhost", "no", "1e3.example"])
EXTRA = st.fixed_dictionaries(
    {},
    optional={
        "zone": st.sampled_from(["rack-a", "no", "12"]),
        "labels": st.dictionaries(st.sampled_from(["disk", "a b", "on"]), st.sampled_from(["ssd", "#1", "x: y", ""])),
        "capacity": st.builds(lambda: {"cores": 4, "memory": "8G"}),  # a new one each time: yaml marks repeats
    },
)


@st.composite
def clusters(draw: st.DrawFn) -> dict[str, Any]:
    def entries(letter: str, least: int) -> list[dict[str, Any]]:
        count = draw(st.integers(least, 4))
        return [
            {"name": f"{letter}{n}", "host": draw(HOSTS), "port": 7000 + n, **(draw(EXTRA) if letter == "w" else {})}
            for n in range(count)
        ]

    parts: list[tuple[str, Any]] = [
        ("cluster", "lab"),
        ("managers", entries("m", 1)),
        ("workers", entries("w", 0)),
        ("runtime", "docker"),
    ]
    return dict(draw(st.permutations(parts)))


@st.composite
def texts(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    data = draw(clusters())
    style = draw(st.sampled_from([None, False, True]))
    text: str = yaml.safe_dump(data, sort_keys=False, default_flow_style=style, width=draw(st.sampled_from([40, 200])))
    lines = text.splitlines(keepends=True)
    if style is not True:
        for at in draw(st.lists(st.integers(0, len(lines)), max_size=3)):
            lines.insert(at, draw(st.sampled_from(["# a remark\n", "    # one that is indented\n", "\n"])))
    text = "".join(lines)
    assert load_documents(text)[0].data == data
    return data, text if draw(st.booleans()) else text.rstrip("\n")


@settings(max_examples=60, deadline=None)
@given(texts(), st.data())
def test_a_change_says_what_was_meant_and_loses_no_remark(
    written: tuple[dict[str, Any], str], data: st.DataObject
) -> None:
    before, text = written
    names = [entry["name"] for section in ("managers", "workers") for entry in before[section]]
    name = data.draw(st.sampled_from(names))
    host = data.draw(HOSTS)
    remarks = text.count("#") if "labels" not in text else 0

    moved = with_hosts(text, {name: host})
    assert _entry(moved, name) == {**_entry(text, name), "host": host}
    assert moved.count("# ") >= remarks

    new = {"name": "x1", "host": host, "port": 7999}
    grown = with_entry(text, "workers", new)
    assert load_documents(grown)[0].data == {**before, "workers": [*before["workers"], new]}
    assert grown.count("# ") >= remarks

    if name != "m0":
        shrunk = without_entries(grown, name)
        assert _entry(shrunk, name) == {}
        back = without_entries(shrunk, "x1")
        left = {
            key: [e for e in value if e["name"] != name] for key, value in before.items() if isinstance(value, list)
        }
        assert load_documents(back)[0].data == {**before, **left}


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80))
def test_any_other_text_is_refused_with_a_sentence_or_changed_as_meant(text: str) -> None:
    try:
        without_entries(f"cluster: lab\nmanagers:\n- {{name: m1}}\n{text}", "m1")
    except Conflict as error:
        assert error.detail
    except Exception as error:  # what is no YAML is refused by the reader of it, with its own errors
        assert type(error).__module__ == "okube.model.errors"


def _entry(text: str, name: str) -> dict[str, Any]:
    data = load_documents(text)[0].data
    entries = [*data["managers"], *data["workers"]]
    return next((entry for entry in entries if entry["name"] == name), {})
