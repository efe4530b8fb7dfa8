"""The written form of unlock keys, for those that only pass them on: without what seals and opens."""

import base64
import os

__all__ = ["KEY_BYTES", "PREFIX", "new_unlock_text", "unlock_text"]

KEY_BYTES = 32
PREFIX = "okube-unlock-"
"""So that a scanner for leaked secrets, and a person, knows one on sight."""


def unlock_text(secret: bytes) -> str:
    """A key as files and people have it."""
    return PREFIX + base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def new_unlock_text() -> str:
    """A new key of 256 random bits."""
    return unlock_text(os.urandom(KEY_BYTES))
