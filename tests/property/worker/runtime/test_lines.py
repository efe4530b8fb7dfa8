from hypothesis import given
from hypothesis import strategies as st

from okube.worker.runtime.lines import MAX_LINE_BYTES, LineJoiner

TEXT = st.lists(st.text(st.characters(codec="ascii", exclude_characters="\n"), max_size=30), max_size=20)


@given(TEXT, st.integers(1, 40), st.booleans())
def test_however_output_is_cut_into_pieces_its_lines_are_the_same(texts: list[str], size: int, ended: bool) -> None:
    output = "\n".join(texts).encode() + (b"\n" if ended and texts else b"")
    joiner = LineJoiner()
    lines = []
    for start in range(0, len(output), size):
        lines += joiner.feed("stdout", 1, output[start : start + size])
    lines += joiner.rest()
    expected = output.decode().split("\n")
    if expected[-1] == "":
        expected.pop()
    assert [line.text for line in lines] == expected


@given(st.lists(st.integers(0, 3 * MAX_LINE_BYTES), max_size=5))
def test_no_line_is_longer_than_the_longest_and_nothing_is_lost(sizes: list[int]) -> None:
    joiner = LineJoiner()
    lines = [line for size in sizes for line in joiner.feed("stdout", 1, b"x" * size)] + joiner.rest()
    assert all(0 < len(line.text) <= MAX_LINE_BYTES for line in lines)
    assert sum(len(line.text) for line in lines) == sum(sizes)
