"""A fresh user with a small index; the ways to hold processes."""

from tests.execution.containments import held, whole
from tests.support.users import small_index, user, uv, wheels

__all__ = ["held", "small_index", "user", "uv", "wheels", "whole"]
