from typing import Any

import pytest

from okube.security.identity import Identity, identity_of, server_name


def subject(*parts: tuple[str, str]) -> dict[str, Any]:
    return {"subject": tuple((part,) for part in parts)}


O, OU, CN = "organizationName", "organizationalUnitName", "commonName"  # noqa: E741  # as X.509 calls them


def test_the_subject_is_the_identity() -> None:
    assert identity_of(subject((O, "c1"), (OU, "manager"), (CN, "m1"))) == Identity("c1", "manager", "m1")


@pytest.mark.parametrize(
    "peercert",
    [
        None,
        {},
        {"subject": ()},
        subject((O, "c1"), (OU, "manager")),
        subject((O, "c1"), (CN, "m1")),
        subject((OU, "manager"), (CN, "m1")),
        subject((O, "c1"), (OU, "root"), (CN, "m1")),
        subject((O, "c1"), (OU, "manager"), (CN, "")),
        subject((O, "c1"), (OU, "worker"), (OU, "manager"), (CN, "m1")),
        subject((O, "c1"), (OU, "manager"), (CN, "m1"), (CN, "m2")),
    ],
)
def test_a_certificate_that_is_not_clear_is_nobodys(peercert: dict[str, Any] | None) -> None:
    assert identity_of(peercert) is None


def test_a_server_name_holds_name_role_and_cluster() -> None:
    assert server_name("m1", "manager", "c1") == "m1.manager.c1.okube"
    assert Identity("c1", "worker", "w1").server_name == "w1.worker.c1.okube"


def test_the_instance_is_read_from_the_names() -> None:
    peercert = {
        "subject": subject((O, "c1"), (OU, "worker"), (CN, "w1"))["subject"],
        "subjectAltName": (("DNS", "w1.worker.c1.okube"), ("URI", "okube:instance:abc123")),
    }
    assert identity_of(peercert) == Identity("c1", "worker", "w1", "abc123")


def test_two_instances_are_none() -> None:
    peercert = {
        "subject": subject((O, "c1"), (OU, "worker"), (CN, "w1"))["subject"],
        "subjectAltName": (("URI", "okube:instance:abc"), ("URI", "okube:instance:def")),
    }
    assert identity_of(peercert) == Identity("c1", "worker", "w1")
