"""Rows of users, by name and by what they show."""

from okube.model.user import User

__all__ = ["UserTable"]


class UserTable:
    """Users in the order in which they were made."""

    def __init__(self) -> None:
        self._rows: dict[str, User] = {}
        self._names: dict[str, str] = {}  # SHA-256 of a token → name
        self.changes = 0

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> list[User]:
        """All."""
        return list(self._rows.values())

    def get(self, name: str) -> User | None:
        """The user of that name."""
        return self._rows.get(name)

    def of_token(self, sha256: str) -> User | None:
        """Whose token has that hash. To look it up takes no longer for a hash that is nearly right: it is a hash."""
        return self._rows.get(self._names.get(sha256, ""))

    def put(self, user: User) -> User | None:
        """Add or replace a user; returns the one before."""
        self.changes += 1
        old = self._rows.get(user.name)
        if old is not None:
            self._names.pop(old.token_sha256, None)
        self._rows[user.name] = user
        if user.token_sha256:
            self._names[user.token_sha256] = user.name
        return old

    def delete(self, name: str) -> User:
        """Forget a user; returns it."""
        self.changes += 1
        old = self._rows.pop(name)
        self._names.pop(old.token_sha256, None)
        return old
