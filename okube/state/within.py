"""The bound of a command whose caller has some apps alone: checked as it is applied, so that nothing comes between."""

from okube.model.errors import Forbidden

__all__ = ["check_within"]


def check_within(apps: tuple[str, ...], app: str | None, what: str) -> None:
    """Refuse what is of another app.

    Args:
        apps: those that the caller has; empty: all.
        app: that of what is changed.
        what: what that is, for the sentence.

    Raises:
        Forbidden: it is of none of them.
    """
    if apps and app not in apps:
        of = "of no app" if app is None else f"of app {app}"
        raise Forbidden(f"{what} is {of}, and you have {', '.join(apps)} alone")
