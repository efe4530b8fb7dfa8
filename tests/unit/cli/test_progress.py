from io import StringIO

from okube.cli.progress import Progress


def test_in_a_pipe_a_line_comes_for_each_change() -> None:
    stream = StringIO()
    progress = Progress(stream, live=False)
    for text in ("web: 0 of 2 ready", "web: 0 of 2 ready", "web: 1 of 2 ready"):
        progress.summary(text, 1.0)
    progress.troubles(["web.2 pending: full", "web.2 pending: full"])
    progress.close()
    assert stream.getvalue() == "web: 0 of 2 ready\nweb: 1 of 2 ready\n  web.2 pending: full\n"


def test_on_a_terminal_one_line_changes_in_place_and_is_erased_at_the_end() -> None:
    stream = StringIO()
    progress = Progress(stream, live=True)
    progress.summary("web: 0 of 2 ready", 1.0)
    progress.troubles(["web.2 pending: full"])
    progress.summary("web: 1 of 2 ready", 2.0)
    progress.close()
    assert _screen(stream.getvalue()) == ["  web.2 pending: full", ""]


def test_a_line_in_place_never_wraps() -> None:
    stream = StringIO()
    Progress(stream, live=True).summary("x" * 500, 1.0)
    assert len(stream.getvalue()) < 80


def _screen(written: str) -> list[str]:
    """What a terminal shows after all that."""
    lines = [""]
    column = 0
    for c in written:
        if c == "\n":
            lines.append("")
            column = 0
        elif c == "\r":
            column = 0
        else:
            lines[-1] = lines[-1][:column].ljust(column) + c + lines[-1][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]
