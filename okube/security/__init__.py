"""Certificates, identities, tokens, roles, secrets.

What a party needs to prove itself is here; ``ca`` and ``issue``, which make certificates and load ``cryptography``,
are imported by name where they are needed.
"""

from okube.security.contexts import anonymous_context, client_context, server_context
from okube.security.files import ClusterFiles, ProcessFiles, TlsFiles
from okube.security.identity import ANY_MANAGER, Identity, Role, identity_of, server_name
from okube.security.tokens import new_token, read_token, token_matches, token_sha256, write_token

__all__ = [
    "ANY_MANAGER",
    "ClusterFiles",
    "Identity",
    "ProcessFiles",
    "Role",
    "TlsFiles",
    "anonymous_context",
    "client_context",
    "identity_of",
    "new_token",
    "read_token",
    "server_context",
    "server_name",
    "token_matches",
    "token_sha256",
    "write_token",
]
