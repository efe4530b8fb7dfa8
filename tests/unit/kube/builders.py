"""Pods, nodes and questions with only what a test is about."""

import json
from pathlib import Path
from typing import Any

import msgspec

from okube.kube.account import Account
from okube.kube.extender import Extender
from okube.kube.machines import Machines
from okube.kube.protocol import Args, FilterAnswer, Metadata, Pod, PodSpec, PodStatus
from okube.kube.workload import DEPENDS_ON

CAPTURED = Path(__file__).parent / "captured"


def captured(verb: str, *, by_name: bool) -> bytes:
    """A request as kube-scheduler sent it, with ``nodeCacheCapable`` or without."""
    return (CAPTURED / f"{verb}-nodecache-{str(by_name).lower()}.json").read_bytes()


def a_node(name: str, zone: str = "", region: str = "eu") -> Metadata:
    labels = {"topology.kubernetes.io/region": region} | ({"topology.kubernetes.io/zone": zone} if zone else {})
    return Metadata(name=name, labels=labels)


def a_pod(
    service: str,
    *depends_on: dict[str, Any],
    node: str = "",
    name: str = "",
    app: str = "shop",
    namespace: str = "default",
    phase: str = "",
) -> Pod:
    return Pod(
        Metadata(
            name=name or f"{service}-1",
            namespace=namespace,
            uid=f"{namespace}/{name or f'{service}-1'}",
            labels={"okube.app": app, "okube.service": service},
            annotations={DEPENDS_ON: json.dumps(depends_on)} if depends_on else None,
        ),
        PodSpec(node),
        PodStatus(phase),
    )


def an_extender(nodes: dict[str, str], *pods: Pod) -> Extender:
    """Nodes by name with their zones, and the pods that are on them."""
    extender = Extender(Machines(), Account())
    for name, zone in nodes.items():
        extender.machines.put(a_node(name, zone))
    for pod in pods:
        extender.account.put(pod)
    return extender


def about(pod: Pod, *names: str) -> Args:
    """A question about a pod and nodes by name."""
    return Args(pod, node_names=list(names))


def fits(answer: FilterAnswer) -> list[str]:
    assert answer.error == ""
    return answer.node_names or []


def plain(answer: object) -> Any:
    """An answer as the scheduler reads it."""
    return msgspec.json.decode(msgspec.json.encode(answer))
