from io import StringIO

import pyte

from okube.cli.progress import Progress


def test_in_a_pipe_a_line_comes_for_each_change() -> None:
    stream = StringIO()
    progress = Progress(stream, live=False)
    for text in ("web: 0 of 2 ready", "web: 0 of 2 ready", "web: 1 of 2 ready"):
        progress.show(text, [], [], 1.0)
    progress.show("web: 1 of 2 ready", ["web.2 pending: full", "web.2 pending: full"], [], 2.0)
    progress.close()
    assert stream.getvalue() == "web: 0 of 2 ready\nweb: 1 of 2 ready\n  web.2 pending: full\n"


def test_a_figure_that_moves_makes_no_new_line_in_a_pipe() -> None:
    stream = StringIO()
    progress = Progress(stream, live=False)
    for wait in ("4 s", "2.5 s"):
        progress.show("web: 0 of 1 ready", [f"web.1 not ready on w1: restarting in {wait}"], [], 1.0)
    assert stream.getvalue().count("restarting in") == 1


def test_on_a_terminal_a_few_lines_change_in_place_and_are_erased_at_the_end() -> None:
    stream = StringIO("before\n")
    progress = Progress(stream, live=True, columns=lambda: 40)
    progress.show("web: 0 of 2 ready", [], ["web.1 starting on w1", "web.2 waiting for a node"], 1.0)
    assert _screen(stream) == ["web: 0 of 2 ready  (1 s)", "  web.1 starting on w1", "  web.2 waiting for a node"]
    progress.show("web: 1 of 2 ready", [], ["web.2 pending: no node fits: 3 nodes: memory 2.0 GiB asked"], 2.0)
    assert _screen(stream) == [
        "web: 1 of 2 ready  (2 s)",
        "  web.2 pending: no node fits: 3 nodes:",
        "    memory 2.0 GiB asked",
    ]
    progress.close()
    assert _screen(stream) == []


def test_many_are_cut_with_their_number() -> None:
    stream = StringIO()
    Progress(stream, live=True, columns=lambda: 40).show("x", [], [f"web.{n} starting" for n in range(20)], 1.0)
    assert _screen(stream)[-1] == "  … 14 more"


def test_lines_that_a_narrower_window_wraps_are_erased_whole() -> None:
    stream, width = StringIO(), 40
    progress = Progress(stream, live=True, columns=lambda: width)
    progress.show("web: 0 of 2 ready, and 3 still to stop", [], [], 1.0)
    width = 20
    stream.truncate(0)
    progress.close()
    assert stream.getvalue().count("\x1b[1A") == 2


def _screen(stream: StringIO) -> list[str]:
    """What a terminal shows after all that."""
    screen = pyte.Screen(40, 24)
    pyte.Stream(screen).feed(stream.getvalue().replace("\n", "\r\n"))
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return lines
