"""The table of routes, the part about the key ring and the unlock key."""

import functools

from okube.manager.api.route import Answer, Route
from okube.manager.api.route_parts import KEY, READ_HEADERS, STALE
from okube.model.keyring_views import KeyringChange, KeyringReset, KeyringView, UnlockBody, UnlockedView, UnlockKeyView

__all__ = ["KEYRING"]

_route = functools.partial(Route, group="key ring", role="admin")
_RING = Answer(text="the key ring", of=KeyringView)

KEYRING = (
    _route(
        method="GET",
        path="/v1/keyring",
        name="get_keyring",
        text="The keys that seal secrets, by their ids, and how many values each has sealed.",
        parameters=(STALE,),
        answers=(Answer(text="the key ring", of=KeyringView, headers=READ_HEADERS),),
    ),
    _route(
        method="POST",
        path="/v1/keyring/rotate",
        name="rotate_keyring",
        text="A new data key. Everything is then sealed anew with it, in slices; when that is done the old keys go. "
        "409 where the leader is locked.",
        parameters=(KEY,),
        answers=(_RING,),
        errors=(409,),
    ),
    _route(
        method="POST",
        path="/v1/keyring/unlock-key",
        name="rotate_unlock_key",
        text="Another unlock key, and a new data key with it. Managers that are away get it from the others when they "
        "are back; where managers lock themselves (`autolock`), from `okube unlock`.",
        parameters=(KEY,),
        body=KeyringChange,
        answers=(_RING,),
        errors=(409,),
    ),
    _route(
        method="GET",
        path="/v1/keyring/unlock-key",
        name="get_unlock_key",
        text="The unlock key itself, to be kept elsewhere: a restore on new machines needs it. 409 where this manager "
        "is locked.",
        parameters=(STALE,),
        answers=(Answer(text="the unlock key", of=UnlockKeyView, headers=READ_HEADERS),),
        errors=(409,),
    ),
    _route(
        method="POST",
        path="/v1/keyring/reset",
        name="reset_keyring",
        text="Give up the key ring, and with it all secrets and configs: for an unlock key that is lost. The leader "
        "makes a new ring. 409 where the unlock key is another one, or the leader has it.",
        parameters=(KEY,),
        body=KeyringReset,
        answers=(_RING,),
        errors=(409,),
    ),
    _route(
        method="POST",
        path="/v1/unlock",
        name="unlock",
        text="Give the unlock key to this manager, which hands it to the others. Needs no quorum. 422 where it is "
        "another key, 409 where there is no key ring yet.",
        body=UnlockBody,
        answers=(Answer(text="who has it now", of=UnlockedView),),
        errors=(409,),
    ),
)
