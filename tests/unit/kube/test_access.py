import base64
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from okube.kube.access import from_kubeconfig, from_pod
from okube.model.errors import BadFile


def a_kubeconfig(folder: Path, *, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> Path:
    path = folder / "config"
    data = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:8001"} | (cluster or {})}],
        "users": [{"name": "u", "user": user or {}}],
    }
    path.write_text(json.dumps(data))
    return path


def test_the_current_context_says_where_the_api_is_and_who_asks(tmp_path: Path) -> None:
    access = from_kubeconfig(a_kubeconfig(tmp_path, user={"token": "secret"}))

    assert access.url == "http://127.0.0.1:8001"
    assert access.headers()["Authorization"] == "Bearer secret"


def test_a_token_in_a_file_is_read_each_time(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first\n")
    access = from_kubeconfig(a_kubeconfig(tmp_path, user={"tokenFile": "token"}))
    assert access.headers()["Authorization"] == "Bearer first"

    (tmp_path / "token").write_text("second\n")
    assert access.headers()["Authorization"] == "Bearer second"


def test_who_has_no_token_sends_none(tmp_path: Path) -> None:
    assert "Authorization" not in from_kubeconfig(a_kubeconfig(tmp_path)).headers()


def test_the_api_is_believed_only_with_a_certificate_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    there = {"server": "https://192.0.2.1:6443"}
    believed = from_kubeconfig(a_kubeconfig(tmp_path, cluster=there))
    blind = from_kubeconfig(a_kubeconfig(tmp_path, cluster=there | {"insecure-skip-tls-verify": True}))

    assert believed.context is not None
    assert believed.context.verify_mode is ssl.CERT_REQUIRED
    assert blind.context is not None
    assert blind.context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    ("cluster", "user", "said"),
    [
        ({"server": "192.0.2.1"}, {}, "has no server"),
        ({"server": "https://192.0.2.1", "certificate-authority-data": "!"}, {}, "is no base64"),
        (
            {"server": "https://192.0.2.1", "certificate-authority-data": base64.b64encode(b"no PEM").decode()},
            {},
            "cannot be read",
        ),
        ({"server": "https://192.0.2.1", "certificate-authority": "missing.crt"}, {}, "missing.crt"),
        ({}, {"exec": {"command": "login"}}, "a program run for the user's credentials"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    tmp_path: Path, cluster: dict[str, Any], user: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadFile, match=said):
        from_kubeconfig(a_kubeconfig(tmp_path, cluster=cluster, user=user))


@pytest.mark.parametrize("text", ["", "[]", "current-context: here", "contexts: 7"])
def test_what_is_no_kubeconfig_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)

    with pytest.raises(BadFile):
        from_kubeconfig(tmp_path / "config")


def test_outside_of_a_pod_there_is_no_service_account() -> None:
    assert from_pod({}) is None


def test_a_pod_without_a_service_account_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"ca\.crt"):
        from_pod({"KUBERNETES_SERVICE_HOST": "192.0.2.1"}, tmp_path)
