"""Puts hooks where git runs them; what is there and not groundup's own is never touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from groundup.config.files import write_whole
from groundup.errors import GroundupError, UserError
from groundup.states.hooks.managers import Manager
from groundup.states.hooks.record import Record
from groundup.states.hooks.repository import Repository
from groundup.states.hooks.wanted import COPY, Copied, Managed, Wanted, content_of

LOCK = "groundup-hooks.lock"


class ForeignHookError(UserError):
    """Where a hook belongs there is one that groundup did not put there."""

    def __init__(self, hook: Wanted) -> None:
        super().__init__(
            f"{hook.place} is there, and groundup did not put it there",
            hint=f"to keep what it does, {hook.keeping}; then remove {hook.place}",
        )


class Installation:
    """The hooks that a repository is to have.

    :param copied: files of the repository by the name of the hook.
    :param manager: installs further ones.
    :raises UserError: a hook would be both a copy and the manager's.
    """

    def __init__(self, repository: Repository, copied: Mapping[str, Path], manager: Manager | None) -> None:
        self.repository, self.manager = repository, manager
        self._common, self._folder = repository.common, repository.hooks
        self.copied = {name: Copied(self._folder / name, source) for name, source in copied.items()}
        self.managed = (
            {name: Managed(self._folder / name, manager) for name in manager.types} if manager else {}
        )
        self._hooks: Mapping[str, Wanted] = {**self.copied, **self.managed}
        for name in self.copied.keys() & self.managed.keys():
            raise UserError(
                f"{copied[name]} and {self.managed[name].manager.config} both want to be the hook {name}",
                hint="let the configuration run what is in the file, and remove the file",
            )

    def __bool__(self) -> bool:
        return bool(self._hooks)

    def is_in_place(self) -> bool:
        """Return whether all hooks are there, and none of groundup's own that is not wanted any more."""
        record = Record(self._common)
        return all(hook.is_in_place(record) for hook in self._hooks.values()) and not self._obsolete(record)

    def install(self) -> None:
        """Put the hooks in place, and remove those of groundup's own that are not wanted any more.

        :raises ForeignHookError: a hook is there that is not groundup's own; nothing was changed then.
        :raises GroundupError: a file cannot be written, or the manager fails.
        """
        from filelock import FileLock

        try:
            with FileLock(self._common / LOCK):
                self._install(Record(self._common))
        except OSError as error:
            raise GroundupError(
                f"{error.filename} cannot be changed: {error.strerror}",
                hint="check the rights of git's folder",
            ) from error

    def _install(self, record: Record) -> None:
        self._refuse_foreign(record)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._remove_obsolete(record)
        self._copy(record)
        if self.manager:
            self._manage(self.manager, record)

    def _refuse_foreign(self, record: Record) -> None:
        for hook in self._hooks.values():
            content = content_of(hook.place)
            if content is not None and not hook.made(content) and not record.has(hook.place, content):
                raise ForeignHookError(hook)

    def _obsolete(self, record: Record) -> list[Path]:
        """Return the places of groundup's own hooks that are not wanted any more."""
        places = [path for path in record.hooks_in(self._folder) if path.name not in self._hooks]
        contents = ((path, content_of(path)) for path in places)
        return [path for path, content in contents if content is not None and record.has(path, content)]

    def _remove_obsolete(self, record: Record) -> None:
        for path in self._obsolete(record):
            path.unlink()
        for path in list(record.hooks_in(self._folder)):
            if content_of(path) is None:
                record.forget(path)

    def _copy(self, record: Record) -> None:
        missing = [hook for hook in self.copied.values() if not hook.is_in_place(record)]
        for hook in missing:
            record.add(hook.place, hook.source.read_bytes(), COPY)
        record.write()
        for hook in missing:
            write_whole(hook.place, hook.source.read_bytes(), mode=0o755)

    def _manage(self, manager: Manager, record: Record) -> None:
        for hook in self.managed.values():
            content = content_of(hook.place)
            if content is not None and not hook.made(content):
                hook.place.unlink()  # it is groundup's own, and the manager would go on running it
        manager.install(self.repository)
        for name, hook in self.managed.items():
            content = content_of(hook.place)
            if content is None or not hook.made(content):
                raise GroundupError(
                    f"{manager.name} install did not write {hook.place}",
                    hint=f"`{manager.name} install --hook-type {name}` may say why",
                )
            record.add(hook.place, content, manager.by)
        record.write()
