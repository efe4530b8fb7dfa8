"""The routes between Okube's own processes: agents and managers, and managers among themselves. Bodies are msgpack."""

from okube.manager.api.route import Answer, Parameter, Route
from okube.manager.api.route_parts import AGENT, MSGPACK, NAME, in_msgpack

__all__ = ["AGENTS", "AGENTS_VALUES", "PEERS"]

AGENTS = (
    in_msgpack(
        path="/v1/agents/{node}/register",
        name="register",
        group="agents",
        role="worker",
        text="An agent asks to be let in. Bodies are msgpack; `okube/model/wire.py` has their structs.",
        parameters=(AGENT,),
        answer="whether it is",
        errors=(409,),
    ),
    in_msgpack(
        path="/v1/agents/{node}/heartbeat",
        name="heartbeat",
        group="agents",
        role="worker",
        text="A sign of life with reports on tasks; answered once these are committed.",
        parameters=(AGENT,),
        answer="the epoch to obey",
        errors=(409,),
    ),
    in_msgpack(
        path="/v1/agents/{node}/certificate",
        name="agent_certificate",
        group="agents",
        text="A node's agent renews its certificate: it sends a request for a new key, and gets what the CA signs. "
        "409 where the leader does not have the CA's key.",
        role="worker",
        parameters=(AGENT,),
        answer="the certificate",
        errors=(404, 409),
    ),
)

AGENTS_VALUES = tuple(
    Route(
        method="GET",
        path=f"/v1/agents/{{node}}/{kind}s/{{name}}/{{version}}",
        name=f"{kind}_for_agent",
        group="agents",
        text=f"The value of a {kind}, for an agent with a task that is given this version of it; 404 for any other. "
        "409 where this manager is locked.",
        role="worker",
        parameters=(
            AGENT,
            Parameter("name", f"the {kind}", NAME, "path"),
            Parameter("version", "which of its values", {"type": "integer", "minimum": 1}, "path"),
        ),
        answers=(Answer(text="the value, byte for byte", media="application/octet-stream", headers=()),),
        errors=(404, 409),
    )
    for kind in ("secret", "config")
)

PEERS = (
    in_msgpack(
        path="/v1/peers/reach",
        name="reach",
        group="managers",
        role="manager",
        text="The leader asks another manager whether it reaches agents that are silent. Bodies are msgpack.",
        answer="which it reached",
    ),
    in_msgpack(
        path="/v1/peers/heartbeats",
        name="heartbeats",
        group="managers",
        role="manager",
        text="A follower brings the leader the heartbeats that agents gave it, each as it came.",
        answer="the answer to each; nil for one that has to be brought by itself",
    ),
    in_msgpack(
        path="/v1/peers/relay",
        name="relay",
        group="managers",
        role="manager",
        text="The leader has another manager pass an assignment on to an agent that it does not reach itself.",
        answer="what the agent answered",
        errors=(502,),
    ),
    in_msgpack(
        path="/v1/peers/authorities",
        name="hand_in_authority",
        group="managers",
        text="A manager that has the CA on its machine hands it to the leader, sealed, where the state holds none yet.",
        role="manager",
        answer="the same",
        errors=(409,),
    ),
    in_msgpack(
        path="/v1/peers/papers",
        name="manager_papers",
        group="managers",
        text="A manager tells the leader what it shows: by which CA its certificate is, and when that ends.",
        role="manager",
        answer="the same",
    ),
    in_msgpack(
        path="/v1/peers/certificate",
        name="manager_certificate",
        group="managers",
        text="A manager renews its certificate at the leader. 409 where that one does not have the CA's key.",
        role="manager",
        answer="the certificate",
        errors=(409,),
    ),
    in_msgpack(
        path="/v1/peers/unlock-key",
        name="offer_unlock_key",
        group="managers",
        text="A manager tells another one the unlock key, or the next one. Bodies are msgpack.",
        role="manager",
        answer="it was taken",
        errors=(409,),
    ),
    Route(
        method="GET",
        path="/v1/peers/unlock-key",
        name="ask_unlock_key",
        group="managers",
        text="A manager that lacks the unlock key asks another one. 409 where managers lock themselves.",
        role="manager",
        answers=(Answer(text="the unlock key", media=MSGPACK, headers=()),),
        errors=(409,),
    ),
)
