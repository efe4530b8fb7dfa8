from pathlib import Path

from tests.unit.cli.conftest import run_okube

TOKEN = f"okube-k3v9xk3v9xk3.{'s' * 43}.{'f' * 42}A.worker"


def test_a_token_may_come_over_stdin_and_is_never_repeated(tmp_path: Path) -> None:
    words = ("--name", "w9", "--manager", "127.0.0.1:9", "--timeout", "0", "--dir", str(tmp_path))
    result = run_okube("join", "-", *words, stdin=f"{TOKEN}\n")
    assert result.exit_code == 4, result.stderr
    assert "s" * 43 not in result.output + result.stderr


def test_what_is_no_token_is_refused_without_being_repeated(tmp_path: Path) -> None:
    words = ("--name", "w9", "--manager", "127.0.0.1:9", "--dir", str(tmp_path))
    result = run_okube("join", "-", *words, stdin="swordfish\n")
    assert result.exit_code == 1
    assert "this is no join token" in result.stderr
    assert "swordfish" not in result.stderr


def test_what_is_no_amount_of_a_resource_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    words = ("--name", "w9", "--manager", "127.0.0.1:9", "--dir", str(tmp_path), "--resource", "gpu=some")
    result = run_okube("join", "-", *words, stdin=f"{TOKEN}\n")
    assert result.exit_code == 2
    assert "--resource 'gpu=some' is no amount: write NAME=N with a whole number, such as gpu=2" in result.stderr
