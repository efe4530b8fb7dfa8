from okube.worker.runtime.lines import MAX_LINE_BYTES, LineJoiner


def test_pieces_become_lines_with_the_time_of_their_first_piece() -> None:
    joiner = LineJoiner()
    assert joiner.feed("stdout", 1, b"hel") == []
    (line,) = joiner.feed("stdout", 2, b"lo\n")
    assert (line.time_ms, line.stream, line.text) == (1, "stdout", "hello")


def test_streams_do_not_mix() -> None:
    joiner = LineJoiner()
    joiner.feed("stdout", 1, b"out")
    assert [line.text for line in joiner.feed("stderr", 2, b"err\n")] == ["err"]
    assert [line.text for line in joiner.feed("stdout", 3, b"put\n")] == ["output"]


def test_one_piece_may_hold_many_lines_and_empty_ones() -> None:
    assert [line.text for line in LineJoiner().feed("stdout", 1, b"a\n\nb\n")] == ["a", "", "b"]


def test_a_carriage_return_ends_no_line() -> None:
    assert [line.text for line in LineJoiner().feed("stdout", 1, b"10 %\r20 %\r\n")] == ["10 %\r20 %\r"]


def test_what_has_no_end_of_line_comes_at_the_end() -> None:
    joiner = LineJoiner()
    joiner.feed("stderr", 7, b"prompt> ")
    assert [(line.time_ms, line.stream, line.text) for line in joiner.rest()] == [(7, "stderr", "prompt> ")]
    assert joiner.rest() == []


def test_a_line_that_is_too_long_is_cut() -> None:
    lines = LineJoiner().feed("stdout", 1, b"x" * (2 * MAX_LINE_BYTES + 1) + b"\n")
    assert [len(line.text) for line in lines] == [MAX_LINE_BYTES, MAX_LINE_BYTES, 1]


def test_a_line_of_just_the_longest_length_is_one_line() -> None:
    assert len(LineJoiner().feed("stdout", 1, b"x" * MAX_LINE_BYTES + b"\n")) == 1


def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert [line.text for line in LineJoiner().feed("stdout", 1, b"\xff\xfe\n")] == ["\N{REPLACEMENT CHARACTER}" * 2]
