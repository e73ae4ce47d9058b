"""What each state of a run wrote, by its name."""

from __future__ import annotations

from pathlib import Path

from groundup.dag.output import Capture, Output


class Outputs:
    """Remembers the outputs of a run, to be read while it goes on."""

    def __init__(self) -> None:
        self._by_name: dict[str, Output] = {}

    def capture(self, folder: Path) -> Capture:
        """Return what captures output into log files in `folder`."""
        return _Remembering(folder, self._by_name)

    def of(self, name: str) -> str:
        """Return what the state `name` wrote."""
        output = self._by_name.get(name)
        return output.text() if output else ""


class _Remembering(Capture):
    def __init__(self, folder: Path, by_name: dict[str, Output]) -> None:
        super().__init__(folder)
        self._by_name = by_name

    def of(self, name: str) -> Output:
        output = self._by_name[name] = super().of(name)
        return output
