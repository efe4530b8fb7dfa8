"""The table of routes, the part about the key ring and the unlock key."""

from okube.manager.api.route import Answer, Route
from okube.manager.api.route_parts import KEY, READ_HEADERS, STALE
from okube.model.keyring_views import KeyringChange, KeyringReset, KeyringView, UnlockBody, UnlockedView, UnlockKeyView

__all__ = ["KEYRING", "PEER_KEYS"]

_GROUP = "key ring"

KEYRING = (
    Route(
        method="GET",
        path="/v1/keyring",
        name="get_keyring",
        group=_GROUP,
        text="The keys that seal secrets, by their ids, and how many values each has sealed.",
        role="admin",
        parameters=(STALE,),
        answers=(Answer(text="the key ring", of=KeyringView, headers=READ_HEADERS),),
    ),
    Route(
        method="POST",
        path="/v1/keyring/rotate",
        name="rotate_keyring",
        group=_GROUP,
        text="A new data key. Everything is then sealed anew with it, in slices; when that is done the old keys go. "
        "409 where the leader is locked.",
        role="admin",
        parameters=(KEY,),
        answers=(Answer(text="the key ring", of=KeyringView),),
        errors=(409,),
    ),
    Route(
        method="POST",
        path="/v1/keyring/unlock-key",
        name="rotate_unlock_key",
        group=_GROUP,
        text="Another unlock key, and a new data key with it. Managers that are away get it from the others when they "
        "are back; where managers lock themselves (`autolock`), from `okube unlock`.",
        role="admin",
        parameters=(KEY,),
        body=KeyringChange,
        answers=(Answer(text="the key ring", of=KeyringView),),
        errors=(409,),
    ),
    Route(
        method="GET",
        path="/v1/keyring/unlock-key",
        name="get_unlock_key",
        group=_GROUP,
        text="The unlock key itself, to be kept elsewhere: a restore on new machines needs it. 409 where this manager "
        "is locked.",
        role="admin",
        parameters=(STALE,),
        answers=(Answer(text="the unlock key", of=UnlockKeyView, headers=READ_HEADERS),),
        errors=(409,),
    ),
    Route(
        method="POST",
        path="/v1/keyring/reset",
        name="reset_keyring",
        group=_GROUP,
        text="Give up the key ring, and with it all secrets and configs: for an unlock key that is lost. The leader "
        "makes a new ring. 409 where the unlock key is another one, or the leader has it.",
        role="admin",
        parameters=(KEY,),
        body=KeyringReset,
        answers=(Answer(text="the key ring", of=KeyringView),),
        errors=(409,),
    ),
    Route(
        method="POST",
        path="/v1/unlock",
        name="unlock",
        group=_GROUP,
        text="Give the unlock key to this manager, which hands it to the others. Needs no quorum. 422 where it is "
        "another key, 409 where there is no key ring yet.",
        role="admin",
        body=UnlockBody,
        answers=(Answer(text="who has it now", of=UnlockedView),),
        errors=(409,),
    ),
)

PEER_KEYS = (
    Route(
        method="POST",
        path="/v1/peers/unlock-key",
        name="offer_unlock_key",
        group="managers",
        text="A manager tells another one the unlock key, or the next one. Bodies are msgpack.",
        role="manager",
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="it was taken", media="application/msgpack", headers=()),),
        errors=(409,),
    ),
    Route(
        method="GET",
        path="/v1/peers/unlock-key",
        name="ask_unlock_key",
        group="managers",
        text="A manager that lacks the unlock key asks another one. 409 where managers lock themselves.",
        role="manager",
        answers=(Answer(text="the unlock key", media="application/msgpack", headers=()),),
        errors=(409,),
    ),
)
