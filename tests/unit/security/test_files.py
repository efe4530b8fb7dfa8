from pathlib import Path

from okube.security.files import ClusterFiles


def test_the_layout_is_as_documented() -> None:
    files = ClusterFiles(Path("/data"))
    process = files.process("m1")
    assert [
        str(path.relative_to("/data"))
        for path in (
            files.ca_certificate,
            files.admin.ca,
            files.admin.certificate,
            files.admin.key,
            files.admin_token,
            files.seed,
            process.identity,
            process.tls.ca,
            process.tls.certificate,
            process.tls.key,
            process.lock,
            process.pid,
            process.log,
            process.raft,
            process.state,
        )
    ] == [
        "ca/ca.crt",
        "admin/ca.crt",
        "admin/admin.crt",
        "admin/admin.key",
        "admin/token",
        "cluster.json",
        "m1/identity.json",
        "m1/tls/ca.crt",
        "m1/tls/node.crt",
        "m1/tls/node.key",
        "m1/lock",
        "m1/pid",
        "m1/log",
        "m1/raft",
        "m1/state",
    ]
