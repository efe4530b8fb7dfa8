import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from okube.config import yamldoc
from okube.config.yamldoc import MAX_BYTES, Document, load_documents
from okube.model.errors import BadFile, Malformed


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers: the second is there where libyaml is not."""
    kind = {"libyaml": yaml.CSafeLoader, "python": yaml.SafeLoader}[request.param]
    monkeypatch.setattr(yamldoc, "_PARSER", kind)


def one(text: str) -> Document:
    (document,) = load_documents(textwrap.dedent(text), source="cluster.yaml")
    return document


def trouble(text: str) -> str:
    with pytest.raises(Malformed) as caught:
        load_documents(textwrap.dedent(text), source="cluster.yaml")
    return str(caught.value)


@pytest.mark.usefixtures("parser")
class TestYaml:
    def test_each_field_has_its_line(self) -> None:
        document = one("""\
            # a comment
            cluster: lab
            managers:
              - name: m1
                port: 7101
              - {name: m2,
                 port: 7102}
            timing:
              heartbeat: 1s
            """)
        assert document.data == {
            "cluster": "lab",
            "managers": [{"name": "m1", "port": 7101}, {"name": "m2", "port": 7102}],
            "timing": {"heartbeat": "1s"},
        }
        assert document.lines == {
            "": 2,
            "cluster": 2,
            "managers": 3,
            "managers[0]": 4,
            "managers[0].name": 4,
            "managers[0].port": 5,
            "managers[1]": 6,
            "managers[1].name": 6,
            "managers[1].port": 7,
            "timing": 8,
            "timing.heartbeat": 9,
        }

    @pytest.mark.parametrize(
        ("written", "value"),
        [
            ("true", True),
            ("False", False),
            ("~", None),
            ("null", None),
            ("", None),
            ("0", 0),
            ("-3", -3),
            ("+7", 7),
            ("0x1F", 31),
            ("0o17", 15),
            ("1.5", 1.5),
            ("-0.25", -0.25),
            (".5", 0.5),
            ("1.5e3", 1500.0),
            ("!!str 80", "80"),
            ("'80'", "80"),
            ('"true"', "true"),
            ("no", "no"),
            ("yes", "yes"),
            ("on", "on"),
            ("22:22", "22:22"),
            ("0755", "0755"),
            ("1_000", "1_000"),
            ("2026-01-02", "2026-01-02"),
            (".inf", ".inf"),
            (".nan", ".nan"),
            ("1e5", "1e5"),
            ("1" * 400, "1" * 400),
            ("0.1.2", "0.1.2"),
            ("512M", "512M"),
            ("=", "="),
            ("'<<'", "<<"),
        ],
    )
    def test_a_value_is_what_it_looks_like(self, written: str, value: object) -> None:
        found = one(f"a: {written}\n").data["a"]
        assert (found, type(found)) == (value, type(value))

    def test_a_key_that_looks_like_a_truth_value_of_old_is_text(self) -> None:
        assert one("{on: 1, y: 2, No: 3}").data == {"on": 1, "y": 2, "No": 3}

    def test_several_documents_know_their_own_lines(self) -> None:
        documents = load_documents("a: 1\n---\nb: 2\n---\n---\n# only a comment\n---\n- c\n")
        assert [document.data for document in documents] == [{"a": 1}, {"b": 2}, ["c"]]
        assert [document.lines[""] for document in documents] == [1, 3, 8]

    @pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "---\n...\n", "~"])
    def test_a_file_without_content_has_no_documents(self, text: str) -> None:
        assert load_documents(text) == []

    def test_each_key_given_twice_is_told_with_both_lines(self) -> None:
        found = trouble("""\
            cluster: lab
            managers:
              - name: m1
                port: 7101
                name: m2
            cluster: other
            cluster: third
            """)
        assert found.splitlines() == [
            "cluster.yaml:5: managers[0].name: is given twice; first in line 3",
            "cluster.yaml:6: cluster: is given twice; first in line 1",
            "cluster.yaml:7: cluster: is given twice; first in line 1",
        ]

    def test_duplicates_in_one_line_are_each_told(self) -> None:
        found = trouble("a: [{b: 1, b: 2, c: 1, c: 2}, {b: 1, b: 2}]")
        assert [line.split(": ")[1] for line in found.splitlines()] == ["a[0].b", "a[0].c", "a[1].b"]

    def test_a_flood_of_duplicates_is_cut_short(self) -> None:
        found = trouble("a: 1\n" * 1000).splitlines()
        assert len(found) == 101
        assert found[-1] == "cluster.yaml:102: and 899 more from here on"

    def test_duplicates_are_field_errors_too(self) -> None:
        with pytest.raises(Malformed) as caught:
            load_documents("a: {b: 1, b: 2}")
        assert [(e.path, e.message) for e in caught.value.errors] == [("a.b", "is given twice; first in line 1")]

    @pytest.mark.parametrize(
        ("key", "message"),
        [
            ("80", "the key 80 is not text; put it in quotes"),
            ("1.5", "the key 1.5 is not text; put it in quotes"),
            ("true", "the key true is not text; put it in quotes"),
            ("~", "an empty key is not text; put it in quotes"),
        ],
    )
    def test_a_key_is_text(self, key: str, message: str) -> None:
        assert trouble(f"env:\n  {key}: x\n") == f"cluster.yaml:2: env: {message}"

    @pytest.mark.parametrize("text", ["{a: b}: c", "? [a, b]\n: c", "image: {{ version }}\n"])
    def test_a_key_is_no_mapping_and_no_list(self, text: str) -> None:
        assert "stands as a key; keys are text" in trouble(text)

    def test_tabs_are_named(self) -> None:
        found = trouble("a:\n  b: 1\n\tc: 2\n")
        assert found == "cluster.yaml:3: a tab stands in the indentation: YAML takes blanks only"

    def test_a_second_colon_is_explained(self) -> None:
        assert trouble("a: 1\nb: c: d\n").startswith("cluster.yaml:2: this is no YAML: a second ':' in one line; put")

    def test_an_address_that_begins_with_a_colon_needs_quotes_in_flow_style(self) -> None:
        assert "put a text that begins with ':'" in trouble("{host: ::1}")
        assert one("host: ::1").data == {"host": "::1"}

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("a: [1, 2\nb: 3\n", 2),
            ("a: 1\n b: 2\n", 2),
            ("- a\nb: 1\n", 2),
            ("a: 'x\n", 1),
            ("a: 1\nb: @x\n", 2),
            ("%YAML 7.0\n---\na\n", 1),
            ("a: &x\n  - *y\n", 2),
            ("a: }\n", 1),
        ],
    )
    def test_bad_syntax_is_told_with_its_line(self, text: str, line: int) -> None:
        assert trouble(text).startswith(f"cluster.yaml:{line}: ")

    @pytest.mark.parametrize(
        "tag", ["!!python/object/apply:os.system", "!!python/name:os.system", "!!binary", "!!set", "!reset", "!!float"]
    )
    def test_tags_make_nothing(self, tag: str) -> None:
        for value in ("x", "[x]", "{x: y}"):
            assert trouble(f"a: 1\nb: {tag} {value}\n").startswith(f"cluster.yaml:2: the tag {tag} is not taken here")

    def test_aliases_are_unfolded_with_the_lines_of_their_anchors(self) -> None:
        document = one("""\
            a: &limits
              cpus: 1
            b: *limits
            c: [*limits]
            """)
        assert document.data == {"a": {"cpus": 1}, "b": {"cpus": 1}, "c": [{"cpus": 1}]}
        assert (document.lines["b"], document.lines["b.cpus"], document.lines["c[0].cpus"]) == (3, 2, 2)

    def test_an_unfolded_alias_is_a_copy(self) -> None:
        document = one("a: &x {k: 1}\nb: *x\n")
        document.data["a"]["k"] = 2
        assert document.data["b"] == {"k": 1}

    def test_merged_keys_give_way_to_own_ones_and_to_those_merged_earlier(self) -> None:
        document = one("""\
            a: &a {x: 1, y: 1}
            b: &b {y: 2, z: 2}
            c: {<<: [*a, *b], x: 3}
            d: {x: 4, <<: *b}
            """)
        assert document.data["c"] == {"x": 3, "y": 1, "z": 2}
        assert document.data["d"] == {"x": 4, "y": 2, "z": 2}

    def test_only_mappings_are_merged(self) -> None:
        assert trouble("a: 1\nb: {<<: 5}\n") == (
            "cluster.yaml:2: '<<' takes in mappings only: an alias of one, or a list of aliases"
        )

    def test_a_duplicate_below_an_anchor_is_told_once(self) -> None:
        assert len(trouble("a: &x {k: 1, k: 2}\nb: *x\nc: [*x, *x]\n").splitlines()) == 1

    @pytest.mark.parametrize("text", ["a: *a\n", "a: &a [*a]\n", "a: &a {b: *a}\n", "a: &x 1\n---\nb: *x\n"])
    def test_an_alias_stands_for_what_has_come_to_its_end_in_its_document(self, text: str) -> None:
        assert "stands for nothing" in trouble(text)

    def test_a_billion_laughs_are_not_laughed(self) -> None:
        lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
        assert "grows beyond 4 MiB" in trouble("\n".join(lines))

    def test_a_long_text_repeated_is_counted_as_it_unfolds(self) -> None:
        assert "grows beyond 4 MiB" in trouble(f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 100)}]\n")

    def test_merges_of_merges_are_bounded(self) -> None:
        lines = ["a0: &a0 {x: 1}"]
        lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 10)]
        assert "grows beyond 4 MiB" in trouble("\n".join(lines))

    @pytest.mark.parametrize(
        "text",
        [
            "[" * 5000,
            "{a: " * 5000,
            "- " * 5000,
            "\n".join(" " * n + "a:" for n in range(900)),
            "\n".join(["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: *a{n - 1}}}" for n in range(1, 900))]),
            "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 900))]),
        ],
    )
    def test_what_is_nested_too_deep_is_refused(self, text: str) -> None:
        assert "nested more than 64 deep" in trouble(text)

    def test_control_characters_are_named_with_their_line(self) -> None:
        assert trouble("a: 1\nb: \x07\n").startswith("cluster.yaml:2: a control character, '\\x07', stands here")

    def test_text_keeps_its_characters(self) -> None:
        assert one('a: "é😀\\u00e9\\0"\n').data == {"a": "é😀é\0"}


class TestJson:
    def test_each_field_has_its_line(self) -> None:
        document = one('{\n\t"name": "web",\n\t"ports": [\n\t\t{"host": 8080},\n\t\t"80"\n\t]\n}')
        assert document.data == {"name": "web", "ports": [{"host": 8080}, "80"]}
        assert document.lines == {
            "": 1,
            "name": 2,
            "ports": 3,
            "ports[0]": 4,
            "ports[0].host": 4,
            "ports[1]": 5,
        }

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            (r'{"a": "\ud83d\ude00 \" \\ \/ \n { } [ ] , :"}', {"a": '😀 " \\ / \n { } [ ] , :'}),
            ('{"a"\n:\n[1e3, -0.5, 12345678901234567890, true, false, null]}', None),
            ("[]", []),
            ("{}", {}),
            ("[[], {}]", [[], {}]),
            ('{"<<": 1}', {"<<": 1}),
            ('["\x7f"]', ["\x7f"]),
        ],
    )
    def test_json_is_read_as_json(self, text: str, value: Any) -> None:
        found = one(text).data
        assert found == (value if value is not None else {"a": [1000.0, -0.5, 12345678901234567890, True, False, None]})

    def test_a_key_given_twice_is_an_error(self) -> None:
        assert trouble('{"a": {"b": 1,\n"b": 2}}') == "cluster.yaml:2: a.b: is given twice; first in line 1"

    def test_flow_style_that_is_no_json_is_yaml(self) -> None:
        assert one("{a: 1, b: [x]}").data == {"a": 1, "b": ["x"]}

    def test_half_a_character_is_refused(self) -> None:
        assert "lone surrogate" in trouble('{"a":\n"\\ud800"}').replace("cluster.yaml:2: ", "")

    def test_what_is_nested_too_deep_is_refused(self) -> None:
        assert "nested" in trouble('{"a":' * 100 + "1" + "}" * 100)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('{"a": 1,\n}', "service.json:2: this is no JSON: "),
            ("a: 1", "service.json:1: this is no JSON: Expecting value (column 1)"),
            ('{"a": NaN}', "service.json:1: this is no JSON: NaN is no number of JSON"),
            ("[" * 200_000, "service.json:1: this is nested too deep"),
            ("[" + "1" * 5000 + "]", "service.json:1: this is no JSON: "),
            ("", "service.json:1: this is no JSON: "),
        ],
    )
    def test_a_file_named_json_is_json(self, text: str, message: str) -> None:
        with pytest.raises(Malformed) as caught:
            load_documents(text, source="service.json")
        assert str(caught.value).startswith(message)


class TestFiles:
    def test_a_file_is_called_by_its_path(self, tmp_path: Path) -> None:
        path = tmp_path / "service.yaml"
        path.write_text("a: 1\na: 2\n")
        with pytest.raises(Malformed, match=f"^{path}:2: a: is given twice"):
            load_documents(path)
        with pytest.raises(Malformed, match=r"^mine:2: a: is given twice"):
            load_documents(path, source="mine")

    def test_a_file_below_this_folder_is_called_as_seen_from_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "folder" / "service.yaml"
        path.parent.mkdir()
        path.write_text("a: 1\n")
        monkeypatch.chdir(tmp_path)
        assert load_documents(path)[0].source == "folder/service.yaml"
        monkeypatch.chdir(path.parent)
        assert load_documents(Path("../folder/service.yaml"))[0].source == "../folder/service.yaml"
        monkeypatch.chdir("/")
        assert load_documents(path)[0].source == str(path.relative_to("/"))

    def test_a_byte_order_mark_and_windows_lines_are_no_matter(self, tmp_path: Path) -> None:
        path = tmp_path / "service.yaml"
        path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
        (document,) = load_documents(path)
        assert (document.data, document.lines["b"]) == ({"a": 1, "b": 2}, 2)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(BadFile, match=r"nothing\.yaml cannot be read: No such file"):
            load_documents(tmp_path / "nothing.yaml")

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(BadFile, match="cannot be read: Is a directory"):
            load_documents(tmp_path)

    def test_another_encoding_is_named_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "service.yaml"
        path.write_bytes(b"a: 1\nb: caf\xe9\n")
        with pytest.raises(BadFile, match=r"service\.yaml:2: this is no text in UTF-8"):
            load_documents(path)

    def test_a_huge_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "service.yaml"
        path.write_bytes(b"a: 1\n" + b"#" * MAX_BYTES)
        with pytest.raises(BadFile, match="larger than 1 MiB"):
            load_documents(path)
        with pytest.raises(BadFile, match="larger than 1 MiB"):
            load_documents("é" * (MAX_BYTES // 2 + 1))

    def test_the_largest_file_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "service.yaml"
        path.write_bytes(b"a: 1\n" + b"#" * (MAX_BYTES - 5))
        assert load_documents(path)[0].data == {"a": 1}
