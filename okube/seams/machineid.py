"""What tells one machine from another: a hash of the machine's own id, which itself is not for the network.

The id is that of ``/etc/machine-id`` (see machine-id(5)); hashed with the cluster's id, as
sd_id128_get_machine_app_specific(3) does, it means nothing in another cluster.
"""

import hashlib
import hmac
import re
from pathlib import Path

__all__ = ["machine_id"]

_ID = re.compile("[0-9a-f]{32}")


def machine_id(cluster_id: str, path: Path = Path("/etc/machine-id")) -> str:
    """This machine's id within a cluster; empty where it has none, as in most containers."""
    try:
        own = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    if _ID.fullmatch(own) is None or not own.strip("0"):
        return ""
    return hmac.new(bytes.fromhex(own), f"okube:{cluster_id}".encode(), hashlib.sha256).hexdigest()[:32]
