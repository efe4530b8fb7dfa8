import socket
from pathlib import Path

from okube.config import load_cluster
from okube.processes.answers import answers
from okube.processes.down import down
from okube.processes.seed import read_cluster
from okube.processes.up import up
from okube.security import ClusterFiles
from tests.unit.processes.builders import bootstrap_to_file, free_ports, stand_in, write_cluster


def test_only_the_process_that_was_meant_answers(tmp_path: Path) -> None:
    path = write_cluster(tmp_path, workers=0)
    up(path, True, lambda _: None, command=stand_in(tmp_path), bootstrap=bootstrap_to_file)
    config = load_cluster(path)
    cluster_id = read_cluster(config).cluster_id
    m1, m2 = config.managers[:2]
    files = ClusterFiles(config.data_dir).process("m1")
    try:
        assert answers(files, host=m1.host, port=m1.port, name="m1", role="manager", cluster_id=cluster_id)
        assert not answers(files, host=m2.host, port=m2.port, name="m1", role="manager", cluster_id=cluster_id)
    finally:
        down(path, False, lambda _: None, remove_tasks=lambda _: 0)


def test_nobody_there_is_no_answer(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    files = ClusterFiles(tmp_path).process("m1")
    assert not answers(files, host="127.0.0.1", port=port, name="m1", role="manager", cluster_id="c1")


def test_a_port_that_says_nothing_is_no_answer(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        files = ClusterFiles(tmp_path).process("m1")
        assert not answers(files, host="127.0.0.1", port=port, name="m1", role="manager", cluster_id="c1")
