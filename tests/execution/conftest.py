"""A fresh user with a small index."""

from tests.support.users import small_index, user, uv, wheels

__all__ = ["small_index", "user", "uv", "wheels"]
