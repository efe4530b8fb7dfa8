import pytest

from okube.worker.runtime.docker.refusals import (
    exec_refused,
    is_being_removed,
    is_engines_own_trouble,
    pull_refused,
    stale_endpoint,
    start_refused,
)

OCI = "OCI runtime create failed: runc create failed: unable to start container process: "
NETWORK = "driver failed programming external connectivity on endpoint quirky_hugle (1e0d35919716): "


@pytest.mark.parametrize(
    ("text", "reason", "sentence"),
    [
        (
            f'failed to create shim task: {OCI}exec: "nosuch": executable file not found in $PATH: unknown',
            "start-failed",
            'command "nosuch" is not in image web:1',
        ),
        (
            f"failed to create task for container: failed to create shim task: {OCI}error during container init: "
            'exec: "/bin/nosuch": stat /bin/nosuch: no such file or directory: unknown',
            "start-failed",
            'command "/bin/nosuch" is not in image web:1',
        ),
        (
            f'failed to create shim task: {OCI}exec: "/etc/passwd": permission denied: unknown',
            "start-failed",
            'command "/etc/passwd" in image web:1 is not an executable file',
        ),
        (f"{OCI}exec /app: exec format error: unknown", "start-failed", "image web:1 is not made for the processor of"),
        ("No command specified", "start-failed", "image web:1 has no command of its own"),
        ("no command specified", "start-failed", "image web:1 has no command of its own"),
        (
            f"{NETWORK}Bind for 0.0.0.0:18080 failed: port is already allocated",
            "port-conflict",
            "host port 18080 is taken on node w1",
        ),
        (
            f"{NETWORK}Error starting userland proxy: listen tcp4 0.0.0.0:18081: bind: address already in use",
            "port-conflict",
            "host port 18081 is taken on node w1",
        ),
        (
            f"{NETWORK}failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/tcp: address already in use",
            "port-conflict",
            "host port 8080 is taken on node w1",
        ),
        (
            "failed to set up container networking: failed to bind host port [::]:8080/tcp: address already in use",
            "port-conflict",
            "host port 8080 is taken on node w1",
        ),
        ("address already in use", "port-conflict", "a host port of the service is taken on node w1"),
        (
            'invalid mount config for type "bind": bind source path does not exist: /srv/www',
            "volume-missing",
            "path /srv/www is not on node w1; make it there",
        ),
        (
            "error while mounting volume '/x': permission denied",
            "volume-missing",
            "a volume for web:1 cannot be mounted",
        ),
        ("No such image: web:1", "image-pull", "image web:1 is no longer on node w1"),
        (
            f"failed to create shim task: {OCI}something new: unknown",
            "start-failed",
            "node w1 cannot start a container of web:1: something new",
        ),
    ],
)
def test_what_the_engine_says_becomes_a_reason_and_a_sentence(text: str, reason: str, sentence: str) -> None:
    failure = start_refused(text, image="web:1", node="w1")
    assert failure.reason == reason
    assert str(failure).startswith(sentence)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("pull access denied for nosuch, repository does not exist or may require 'docker login'", "check its name"),
        ("manifest for web:9 not found: manifest unknown: manifest unknown", "check its name"),
        ('Get "https://registry.example.com/v2/": dial tcp: connect: connection refused', "reaches the registry"),
    ],
)
def test_a_failed_pull_says_what_to_do(text: str, advice: str) -> None:
    failure = pull_refused(text, image="web:9", node="w1")
    assert failure.reason == "image-pull"
    assert str(failure).startswith("image web:9 cannot be pulled on node w1: ")
    assert advice in str(failure)


@pytest.mark.parametrize(
    "text",
    [
        "failed to update store for object type *libnetwork.endpoint: open : no such file or directory",
        "open : no such file or directory",
        "ttrpc: closed: unknown",
        "connection error: desc = transport: error while dialing dial unix:///run/containerd.sock: timeout",
        "the daemon is shutting down",
    ],
)
def test_an_engine_that_goes_down_is_no_fault_of_the_container(text: str) -> None:
    assert is_engines_own_trouble(text)
    assert not is_engines_own_trouble(f'{OCI}exec: "nosuch": executable file not found in $PATH: unknown')


@pytest.mark.parametrize(
    ("text", "missing", "sentence"),
    [
        (
            "OCI runtime exec failed: exec failed: unable to start container process: "
            'exec: "nosuch": executable file not found in $PATH: unknown',
            True,
            'there is no command "ls" in the container',
        ),
        (
            'OCI runtime exec failed: exec failed: unable to start container process: exec: "/etc/passwd": '
            "permission denied: unknown",
            False,
            'command "ls" cannot be run: Permission denied',
        ),
        ("OCI runtime exec failed: something new: unknown", False, 'command "ls" cannot be run: something new'),
        ("", False, 'command "ls" cannot be run: the engine does not say why'),
    ],
)
def test_a_command_that_cannot_be_run_in_a_container_is_told(text: str, missing: bool, sentence: str) -> None:
    assert exec_refused(text, "ls") == (missing, sentence)


def test_a_container_that_is_being_removed_or_left_in_its_network_is_known_by_the_engines_words() -> None:
    assert is_being_removed("container is marked for removal and cannot be started")
    assert is_being_removed("removal of container 1b0d4414 is already in progress")
    assert not is_being_removed("No such container: 1b0d4414")
    assert stale_endpoint("endpoint with name okube-98fe2635-6fce05cf2a0e already exists in network bridge") == "bridge"
    assert stale_endpoint("network bridge not found") is None
