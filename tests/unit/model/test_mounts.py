"""Secrets and configs as service files name them."""

from typing import Any

import msgspec
import pytest

from okube.model.errors import InvalidInput
from okube.model.mounts import Mount, path_of
from okube.model.shown import spec_view
from okube.model.spec import decode_spec
from tests.builders import a_spec


def _refusal(**fields: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        a_spec(**fields)
    return str(caught.value)


def test_a_name_alone_is_a_file_below_run_secrets() -> None:
    (mount,) = a_spec(secrets=["db-password"]).mounts("secret")
    assert mount == Mount("db-password")
    assert path_of("secret", mount) == "/run/secrets/db-password"


def test_a_config_is_a_file_at_the_root() -> None:
    (mount,) = a_spec(configs=["page"]).mounts("config")
    assert path_of("config", mount) == "/page"


@pytest.mark.parametrize(
    ("target", "path"), [("tls/key.pem", "/run/secrets/tls/key.pem"), ("/etc/tls/key.pem", "/etc/tls/key.pem")]
)
def test_a_target_is_a_whole_path_or_one_below_run_secrets(target: str, path: str) -> None:
    (mount,) = a_spec(secrets=[{"name": "tls", "target": target}]).mounts("secret")
    assert path_of("secret", mount) == path


def test_with_a_variable_there_is_no_file_unless_one_is_asked_for() -> None:
    spec = a_spec(secrets=[{"name": "a", "env": "A"}, {"name": "b", "env": "B", "target": "b"}])
    assert [mount.is_file for mount in spec.mounts("secret")] == [False, True]


def test_a_name_may_be_followed_by_its_target() -> None:
    assert a_spec(secrets=["tls:/etc/tls/key.pem"]).mounts("secret") == (Mount("tls", "/etc/tls/key.pem"),)


@pytest.mark.parametrize(("mode", "kept"), [("0440", "0440"), ("440", "0440"), ("0777", "0777")])
def test_a_mode_is_octal_text(mode: str, kept: str) -> None:
    assert a_spec(secrets=[{"name": "a", "mode": mode}]).mounts("secret")[0].mode == kept


@pytest.mark.parametrize("mode", [440, 0o440, "rw-", "4755", "88", True, None])
def test_a_mode_that_could_be_read_in_two_ways_is_refused(mode: object) -> None:
    assert "secrets[0].mode" in _refusal(secrets=[{"name": "a", "mode": mode}])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"secrets": ["DB"]}, "secrets[0]: 'DB' is not a name"),
        ({"secrets": ["a:"]}, "secrets[0]: 'a:' names no path after its colon"),
        ({"secrets": ["a:../b"]}, "secrets[0]: '../b' is not the path of a file"),
        ({"secrets": ["a", "a"]}, "secrets[1].name: a is given twice"),
        ({"secrets": [{"name": "a", "target": "../a"}]}, "secrets[0].target: '../a' is not the path of a file"),
        ({"secrets": [{"name": "a", "target": "/a/"}]}, "secrets[0].target: '/a/' is not the path of a file"),
        ({"secrets": ["a", {"name": "b", "target": "a"}]}, "secrets[1].target: /run/secrets/a is given twice"),
        (
            {"secrets": ["a", {"name": "b", "target": "a/b"}]},
            "secrets[1].target: /run/secrets/a/b is below a path that is a file",
        ),
        (
            {"configs": ["a"], "volumes": ["v:/a"]},
            "configs[0].target: /a is given twice",
        ),
        ({"secrets": ["a"], "volumes": ["v:/run/secrets"]}, "a volume takes /run/secrets"),
        ({"secrets": [{"name": "a", "env": "1A"}]}, "'1A' is no name of an environment variable"),
        ({"secrets": [{"name": "a", "env": "A"}], "env": {"A": "x"}}, "secrets[0].env: the variable A is given twice"),
        (
            {"secrets": [{"name": "a", "env": "A"}], "configs": [{"name": "b", "env": "A"}]},
            "configs[0].env: the variable A is given twice",
        ),
        ({"secrets": [{"name": "a", "on_rotate": "reload"}]}, "'reload' says nothing of a rotation"),
        ({"secrets": [{"name": "a", "env": "A", "on_rotate": "SIGHUP"}]}, "so SIGHUP is in vain: restart"),
        ({"secrets": [{"name": "a", "uid": -1}]}, "-1 is no id of a user or group"),
        ({"secrets": [{"name": "a", "value": "s3cret"}]}, "secrets[0].value: unknown key"),
        ({"secrets": None}, "secrets: a list is expected"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], message: str) -> None:
    assert message in _refusal(**fields)


def test_a_service_that_is_given_nothing_is_written_as_it_was_before_there_was_anything_to_give() -> None:
    assert not {"secrets", "configs"} & spec_view(a_spec(secrets=[], configs=[])).keys()
    assert a_spec(secrets=[]) == a_spec()


def test_what_is_shown_is_taken() -> None:
    spec = a_spec(secrets=["a", {"name": "b", "env": "B"}], configs=[{"name": "c", "on_rotate": "SIGHUP", "uid": 3}])
    assert decode_spec(msgspec.json.decode(msgspec.json.encode(spec_view(spec)))) == spec


def test_versions_go_with_secrets_first_and_then_with_configs() -> None:
    spec = a_spec(configs=["c"], secrets=["a", "b"])
    assert [(one.kind, one.mount.name, one.version) for one in spec.given((1, 2, 3))] == [
        ("secret", "a", 1),
        ("secret", "b", 2),
        ("config", "c", 3),
    ]
