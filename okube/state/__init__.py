"""The replicated state machine: tables, indexes, apply, snapshot; pure."""

from okube.state.machine import BATCH_VERSION, StateMachine, carry_out
from okube.state.tables import Settings, Tables

__all__ = ["BATCH_VERSION", "Settings", "StateMachine", "Tables", "carry_out"]
