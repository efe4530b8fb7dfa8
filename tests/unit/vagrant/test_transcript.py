import sys
from pathlib import Path

import pytest

from vagrant.machines import link_command
from vagrant.page import render_page
from vagrant.transcript import StepFailed, Transcript


def test_a_command_is_shown_as_typed_with_what_it_prints(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path)
    assert transcript.run(sys.executable, "-c", "print('hello')", shown="okube hello") == "hello\n"
    assert transcript.lines == ["$ okube hello", "hello"]


def test_a_command_that_fails_ends_the_transcript_with_what_it_said(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path)
    with pytest.raises(StepFailed, match="'okube fail' ended with exit status 3"):
        transcript.run(sys.executable, "-c", "import sys; sys.exit(print('why') or 3)", quiet=True, shown="okube fail")
    assert transcript.lines == ["$ okube fail", "why"]


def test_a_command_that_was_named_is_listed_with_its_time(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path)
    transcript.run(sys.executable, "-c", "print('hello')", named="greeting", quiet=True)
    assert [what for what, _ in transcript.times] == ["greeting"]
    assert transcript.lines[-1].startswith("# ")


def test_an_answer_is_asked_for_without_being_shown_and_a_refusal_is_none(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path)
    assert transcript.ask(sys.executable, "-c", "print('yes')") == "yes\n"
    assert transcript.ask(sys.executable, "-c", "import sys; sys.exit(1)") == ""
    assert transcript.lines == []


def test_what_does_not_come_about_in_time_is_named(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="still not so: pigs fly"):
        Transcript(tmp_path).wait("pigs fly", lambda: False, timeout_s=0)


def test_a_page_has_the_times_as_a_table_and_each_part_as_it_was_shown() -> None:
    lines = ["", "## Up", "", "$ vagrant up", "\x1b[1mgreen\x1b[0m", "x" * 200]
    page = render_page(lines, [("vagrant up", 12.34)], {})
    assert "| vagrant up | 12.3 |\n" in page
    assert "\n## Up\n\n```\n$ vagrant up\ngreen\nxxx" in page
    assert max(len(line) for line in page.splitlines()) <= 160


def test_a_page_leaves_out_what_moves_a_cursor_and_what_tells_nothing() -> None:
    noise = ["\x1b[KProgress: 7%", "==> m1:  -- Keymap:            en-us", "    m1:", "", ""]
    lines = [
        "## Up",
        "$ vagrant up",
        *noise,
        "    m1: Warning: Connection refused. Retrying...",
        "==> m1: Machine booted",
    ]
    page = render_page(lines, [], {})
    assert "```\n$ vagrant up\n\n==> m1: Machine booted\n```" in page


def test_a_page_names_no_folder_of_the_machine_that_it_was_made_on() -> None:
    page = render_page(["## Up", "runs /srv/okube/vagrant/lab install"], [], {Path("/srv/okube"): "~/okube"})
    assert "runs ~/okube/vagrant/lab install" in page


def test_a_card_is_found_by_its_address_so_that_vagrants_own_stays_up() -> None:
    assert link_command("198.18.5.11", "down") == (
        "sudo ip link set dev \"$(ip -o -4 address show to 198.18.5.11 | cut -d' ' -f2)\" down"
    )
