"""How another CA takes the place of the cluster's, while all go on: in steps, each when all are ready. Pure.

First all learn to believe both; only then the newer one signs, and all renew their certificates; and when nobody shows
a certificate of the older one any more, and people had time to get new ones too, that one is believed no more.
"""

from collections.abc import Callable, Mapping

import msgspec

from okube.model.authority import Authorities, KeptCa
from okube.model.commands import PutAuthorities
from okube.model.errors import Conflict
from okube.model.wire import Papers

__all__ = ["begin", "finish", "give_up", "next_step", "proceed", "waits_for"]


def begin(found: Authorities, coming: KeptCa, now_ms: int, by: str) -> PutAuthorities:
    """A newer CA is believed from here on. Raises Conflict where one is coming already."""
    if found.coming:
        raise Conflict("another CA is coming already: 'okube status' shows how far that is; end it with --finish")
    kept = (*found.kept, coming)
    changed = msgspec.structs.replace(found, kept=kept, coming=coming.id, began_ms=now_ms)
    return PutAuthorities(changed, "began", found.revision, by)


def next_step(found: Authorities, papers: Mapping[str, Papers | None]) -> PutAuthorities | None:
    """The newer CA signs, once all believe it. ``papers`` are of all managers and nodes that take part."""
    if not found.coming or found.signer == found.coming or waits_for(found, papers):
        return None
    return PutAuthorities(msgspec.structs.replace(found, signer=found.coming), "signs", found.revision)


def proceed(found: Authorities, by: str) -> PutAuthorities:
    """The newer CA signs, although not all believe it: who is away now has to be renewed by hand. Raises Conflict."""
    if not found.coming or found.signer == found.coming:
        raise Conflict("no other CA is coming, or it signs already")
    return PutAuthorities(msgspec.structs.replace(found, signer=found.coming), "signs", found.revision, by)


def waits_for(found: Authorities, papers: Mapping[str, Papers | None]) -> list[str]:
    """Who is not ready for the next step: shows a certificate of the older CA, or does not believe the newer one."""
    if not found.coming:
        return []
    if found.signer == found.coming:
        return _without(papers, lambda mark: mark == found.mark)
    believes = found.mark.partition(".")[0]
    return _without(papers, lambda mark: mark.partition(".")[0] == believes)


def finish(found: Authorities, papers: Mapping[str, Papers | None], by: str, *, force: bool) -> PutAuthorities:
    """The older CA is believed no more; with ``force`` although somebody is shut out by it.

    Raises:
        Conflict: there is nothing to finish, or somebody would be shut out.
    """
    if not found.coming:
        raise Conflict("no other CA is coming: 'okube cluster rotate-ca' begins")
    if found.signer != found.coming:
        raise Conflict("not yet: the new CA does not sign yet")
    waiting = waits_for(found, papers)
    if waiting and not force:
        raise Conflict(
            f"not yet: {', '.join(waiting)} would be shut out, without a certificate of the new CA; wait, or finish "
            "with force and renew theirs by hand"
        )
    kept = tuple(each for each in found.kept if each.id == found.coming)
    return PutAuthorities(Authorities(found.coming, kept), "finished", found.revision, by)


def give_up(found: Authorities, by: str) -> PutAuthorities:
    """The newer CA is believed no more, while it does not sign yet. Raises Conflict."""
    if not found.coming or found.signer == found.coming:
        raise Conflict("there is nothing to give up: no other CA is coming, or it signs already")
    kept = tuple(each for each in found.kept if each.id != found.coming)
    return PutAuthorities(Authorities(found.signer, kept), "given-up", found.revision, by)


def _without(papers: Mapping[str, Papers | None], holds: Callable[[str], bool]) -> list[str]:
    return sorted(name for name, each in papers.items() if each is None or not holds(each.mark))
