"""Keys of SSH for the lab: the operator's, and each host's own."""

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

__all__ = ["Key", "new_key"]


class Key(msgspec.Struct, frozen=True):
    """A pair of keys, as files of OpenSSH hold them."""

    private: str
    public: str


def new_key() -> Key:
    """A fresh Ed25519 pair."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return Key(private.decode(), public.decode())
