"""What looks like a secret where everybody reads it, and what does not."""

import pytest

from okube.model.leaks import leaks_of, looks_secret
from tests.builders import a_spec


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "hunter2"),
        ("password", "x"),
        ("API_KEY", "abc123def"),
        ("apikey", "abc123def"),
        ("AWS_SECRET_ACCESS_KEY", "abc"),
        ("SESSION_SECRET", "s3cret"),
        ("GITHUB_TOKEN", "abc"),
        ("mysql.pwd", "hunter2"),
        ("DATABASE_URL", "postgres://app:hunter2@db.example.com/shop"),
        ("CONFIG", "-----BEGIN EC PRIVATE KEY-----\nabc"),
        ("ANYTHING", "okube-unlock-" + "a" * 43),
        ("ANYTHING", "AKIA" + "A" * 16),
    ],
)
def test_what_should_not_be_read(name: str, value: str) -> None:
    reason = looks_secret(name, value)
    assert reason is not None
    assert value not in reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODE", "live"),
        ("DB_PASSWORD", ""),
        ("DB_PASSWORD", "/run/secrets/db"),
        ("DB_PASSWORD_FILE", "/run/secrets/db"),
        ("REQUIRE_TOKEN", "true"),
        ("MAX_TOKEN", "4096"),
        ("TOKENIZERS", "fast"),
        ("PASSWORD", "${DB_PASSWORD}"),
        ("COMPASS", "north"),
        ("DATABASE_URL", "postgres://db.example.com/shop"),
        ("KEY", "value"),
    ],
)
def test_what_may_be_read(name: str, value: str) -> None:
    assert looks_secret(name, value) is None


def test_environment_labels_and_command_are_looked_at() -> None:
    spec = a_spec(
        env={"DB_PASSWORD": "hunter2", "MODE": "live"},
        labels={"token": "abc"},
        command=["server", "--api-key=abc", "--password", "hunter2", "--verbose", "yes", "amqp://a:b@mq.example.com"],
    )
    assert [path for path, _ in leaks_of(spec)] == [
        "env.DB_PASSWORD",
        "labels.token",
        "command[1]",
        "command[3]",
        "command[6]",
    ]
