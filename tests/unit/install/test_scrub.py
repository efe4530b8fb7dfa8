"""What is taken out of a support bundle, and what stays."""

import pytest

from okube.install.scrub import TAKEN_OUT, scrub, without_values
from okube.security.jointokens import JoinToken, new_secret
from okube.security.tokens import new_token
from okube.security.unlocktext import new_unlock_text

SECRETS = {
    "token": new_token(),
    "unlock key": new_unlock_text(),
    "join token": str(JoinToken("cm4qtrj4fgzw", new_secret(), "ab" * 32, "worker")),
    "private key": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----",
    "token of a code host": "ghp_0123456789abcdef0123456789abcdef0123",
    "access key of a cloud": "AKIAIOSFODNN7EXAMPLE",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)  # random ones would be other tests in each process
def test_what_gives_itself_away_is_taken_out_of_any_text(secret: str) -> None:
    text = scrub(f"INFO before {secret} after")
    assert text == f"INFO before {TAKEN_OUT} after"


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("pull from https://ann:hunter2@registry.example.com/x", "registry.example.com/x"),
        ("Authorization: Bearer abcdef", "Authorization:"),
        ("connect host=db password=hunter2 port=5", "port=5"),
    ],
)
def test_words_after_which_a_secret_comes(line: str, kept: str) -> None:
    assert "hunter2" not in scrub(line) and "abcdef" not in scrub(line)
    assert kept in scrub(line)


def test_names_and_ids_of_okube_stay() -> None:
    line = "okube-manager-m1 container okube-cm4qtrj4fgzw-web.1 release 0.1.0-3fa9c1d2"
    assert scrub(line) == line


def test_a_service_is_shown_without_values_and_arguments() -> None:
    service = {
        "name": "web",
        "env": {"MODE": "live", "DB": "hunter2"},
        "command": ["server", "--password", "hunter2"],
        "labels": {"team": "web", "api_key": "hunter2"},
        "nested": [{"env": {"X": "hunter2"}}],
        "replicas": 3,
    }
    shown = without_values(service)
    assert "hunter2" not in str(shown)
    assert shown["env"] == {"MODE": TAKEN_OUT, "DB": TAKEN_OUT}
    assert shown["command"] == ["server", TAKEN_OUT]
    assert (shown["name"], shown["labels"]["team"], shown["replicas"]) == ("web", "web", 3)


def test_a_command_of_one_word_stays() -> None:
    assert without_values({"command": ["server"]}) == {"command": ["server"]}
