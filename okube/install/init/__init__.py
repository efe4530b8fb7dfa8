"""What starts processes on a machine and keeps them running, as far as an installation has to know."""

from okube.install.init.base import Init, UnitState, Words, read_states
from okube.install.init.kinds import LabInit, Systemd, init_of

__all__ = ["Init", "LabInit", "Systemd", "UnitState", "Words", "init_of", "read_states"]
