from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from okube.config import Document, cluster_of, render_errors
from okube.model.errors import InvalidInput

patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # others share the machine
FILE = Path("/srv/okube/cluster.yaml")

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["m1", "m2", "w1", "ca", "Bad", ""]) | junk
hosts = st.sampled_from(["127.0.0.1", "localhost", "192.0.2.1", "server.example.com", "::1", "a:b"]) | junk
ports = st.sampled_from([7101, 7102, 8101, 8102, 65000, 70000, 0]) | junk
managers = st.dictionaries(st.sampled_from(["name", "host", "port", "raft_port", "prot"]), junk, max_size=4) | (
    st.fixed_dictionaries({"name": names, "host": hosts, "port": ports}, optional={"raft_port": ports})
)
workers = st.fixed_dictionaries(
    {"name": names, "host": hosts, "port": ports}, optional={"zone": junk, "labels": junk, "capacity": junk}
)
times = st.sampled_from(["1s", "3s", "100ms", "10ms", 5, "1h"]) | junk
files = st.fixed_dictionaries(
    {"cluster": st.just("lab") | names, "managers": st.lists(managers | junk, max_size=4) | junk},
    optional={
        "workers": st.lists(workers | junk, max_size=4) | junk,
        "data_dir": st.sampled_from([".okube", "/", ".", "a/b"]) | junk,
        "runtime": st.sampled_from(["auto", "docker"]) | junk,
        "docker": junk,
        "timing": st.dictionaries(st.sampled_from(["heartbeat", "node_down_after", "election"]), times) | junk,
    },
)


@patiently
@given(files | junk)
def test_whatever_stands_in_the_file_it_is_a_cluster_or_a_list_of_errors(data: Any) -> None:
    document = Document(data, {"": 1}, "cluster.yaml")
    try:
        config = cluster_of(document, FILE)
    except InvalidInput as error:
        assert error.errors
        assert sorted(str(error).splitlines()) == sorted("\n".join(render_errors(document, error)).splitlines())
        return
    names_in = [m.name for m in config.managers] + [w.name for w in config.workers]
    assert len(names_in) == len(set(names_in))
    assert 1 <= len(config.managers) <= 7
    assert config.data_dir.is_absolute()
    assert config.timing.node_down_after >= 1.999 * config.timing.heartbeat
    places = [(m.host, port) for m in config.managers for port in (m.port, m.raft_port)]
    places += [(w.host, w.port) for w in config.workers]
    assert len(places) == len(set(places))
