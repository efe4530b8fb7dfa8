from okube.cli.table import Column, render


def _rows(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "count": str(n), "note": "x" * 30 if n else ""} for n, name in enumerate(names)]


NAME = Column("NAME", lambda row: row["name"])
COUNT = Column("COUNT", lambda row: row["count"], right=True)
NOTE = Column("NOTE", lambda row: row["note"], optional=True, gives_way=True)
WIDE = Column("WIDE", lambda row: "more", wide=True)


def test_columns_are_aligned_and_lines_end_in_no_blanks() -> None:
    assert render(_rows("a", "longer"), [NAME, COUNT, NOTE], wide=False, width=None) == [
        "NAME    COUNT  NOTE",
        "a           0",
        "longer      1  " + "x" * 30,
    ]


def test_a_column_without_anything_in_it_is_left_out() -> None:
    assert render(_rows("a"), [NAME, NOTE], wide=False, width=None) == ["NAME", "a"]


def test_wide_columns_come_only_when_asked_for() -> None:
    assert render(_rows("a"), [NAME, WIDE], wide=False, width=None)[0] == "NAME"
    assert render(_rows("a"), [NAME, WIDE], wide=True, width=None)[0] == "NAME  WIDE"


def test_only_what_gives_way_is_cut_and_only_on_a_terminal() -> None:
    rows = _rows("a" * 20, "b")
    assert render(rows, [NAME, NOTE], wide=False, width=40)[2].endswith("x…")
    assert max(len(line) for line in render(rows, [NAME, NOTE], wide=False, width=40)) == 40
    assert render(rows, [NAME, NOTE], wide=True, width=40)[2].endswith("x" * 30)
    assert render(rows, [NAME, NOTE], wide=False, width=10)[1].startswith("a" * 20)


def test_what_would_steer_a_terminal_is_not_printed() -> None:
    rows = [{"name": "a\x1b[31mb\nc", "count": "", "note": ""}]
    assert render(rows, [NAME], wide=False, width=None)[1] == "a [31mb c"


def test_wide_characters_take_two_cells() -> None:
    rows = [{"name": "日本", "count": "1", "note": ""}, {"name": "abcd", "count": "2", "note": ""}]
    lines = render(rows, [NAME, COUNT], wide=False, width=None)
    assert lines[1:] == ["日本      1", "abcd      2"]
