"""What groundup itself warns of during a run: told when it has ended, since the output of states is kept."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from groundup.cli.failures import tell


@contextmanager
def warnings_told() -> Iterator[None]:
    """Tell at the end of the block, on stderr, what groundup warned of in it."""
    heard: list[str] = []
    show: Any = warnings.showwarning

    def hear(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if category.__module__.startswith("groundup."):
            heard.append(str(message))
        else:
            show(message, category, *where, **more)

    warnings.showwarning = hear
    try:
        yield
    finally:
        warnings.showwarning = show
        for text in dict.fromkeys(heard):
            tell(text, word="warning:")
