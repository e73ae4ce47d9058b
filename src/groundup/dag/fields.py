"""What a plain class needs to be looked at like a dataclass."""

from __future__ import annotations

from typing import ClassVar


class Fields:
    """Base of classes that name in ``__match_args__`` what their constructor takes and they keep.

    Dataclasses would say it shorter, but take a millisecond each to be made, and their module ten.
    """

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        fields = (f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__qualname__}({', '.join(fields)})"
