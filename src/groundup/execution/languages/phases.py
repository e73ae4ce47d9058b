"""The phases of a step: install and supply, whose results are kept, then run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from groundup.execution.languages.errors import Again, Phase, StepError, phase_failed
from groundup.execution.languages.fingerprint import key_of, matching_key
from groundup.execution.languages.folders import RunFolder
from groundup.execution.languages.given import Given
from groundup.execution.languages.language import Language
from groundup.execution.languages.result import PhaseResult
from groundup.execution.languages.runtime import Command, CommandRuntime, Mount
from groundup.execution.languages.shelf import Kept, Shelf
from groundup.execution.languages.uv_access import UvAccess
from groundup.execution.process import Callback

FORMAT = 1  # counts what the parts of a fingerprint mean
TIMEOUTS: Mapping[Phase, float | None] = {"install": 1800, "supply": 1800, "run": None}

T = TypeVar("T")
OnPhase = Callable[[Phase], None]


@dataclass(frozen=True, kw_only=True)
class Watching:
    """Who is told what.

    :ivar on_phase: called with each phase whose executable begins.
    :ivar on_wait: called with each phase that another process is busy with, before waiting for it.
    :ivar on_stdout: called with what run writes, as it arrives; so is `on_stderr`.
    :ivar stop: a descriptor that becomes readable when the step is not wanted any more.
    """

    on_phase: OnPhase = lambda _phase: None
    on_wait: OnPhase = lambda _phase: None
    on_stdout: Callback | None = None
    on_stderr: Callback | None = None
    stop: int | None = None


class Phases:
    """Takes a language through its phases; until the block ends, what these made is not removed as unused.

    :param step: name for messages.
    :param timeouts: seconds by phase, None for no limit; what is not there is as in `TIMEOUTS`.
    """

    def __init__(  # noqa: PLR0913 - what all phases have in common
        self,
        language: Language,
        runtime: CommandRuntime,
        folder: RunFolder,
        step: str,
        *,
        timeouts: Mapping[Phase, float | None],
        watching: Watching,
    ) -> None:
        self.language, self.runtime, self.folder, self.step = language, runtime, folder, step
        self.timeouts = {**TIMEOUTS, **timeouts}
        self.watching = watching
        self.done: dict[Phase, PhaseResult] = {}
        self._held = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def install(self, broken: Kept | None = None) -> Kept:
        """Return what install makes; made now when nothing is kept, or only what is broken.

        :raises StepFailed: the executable failed or took too long.
        """
        key = key_of([FORMAT, self.language.name, self.language.key, self.runtime.platform])

        def make(content: Path) -> Path:
            return self._execute(self._given("install", installed=content)).log

        return self._taken("install", key, make, broken)

    def supply(self, component: Path, parameters: Mapping[str, Any], broken: Kept | None = None) -> Kept:
        """Return what supply makes for a step's folder; made now as by `install`.

        :raises StepFailed: the executable failed or took too long.
        :raises StepError: what it depends on was changed meanwhile.
        """
        patterns = self.language.settings.dependency_files
        files = matching_key(component, patterns)
        parts = [str(component), dict(parameters), files]

        def use(installed: Kept) -> Kept:
            def make(content: Path) -> Path:
                places = {"installed": installed.content, "component": component, "supplied": content}
                done = self._execute(self._given("supply", parameters=parameters, **places))
                if matching_key(component, patterns) != files:
                    raise StepError(
                        f"dependency files in {component} were changed while supply read them",
                        hint="run the step again",
                    )
                return done.log

            key = key_of([FORMAT, self.language.name, self.language.key, self.runtime.platform, parts])
            return self._taken("supply", key, make, broken)

        return _working(self.install, use)

    def run(self, component: Path, env: Mapping[str, str], **given: Any) -> PhaseResult:
        """Run the step, after what it needs was made.

        :param env: variables besides groundup's own.
        :param given: name, parameters, inputs, outputs and types of the step.
        :raises StepFailed: an executable failed or took too long.
        """

        def use(supplied: Kept) -> PhaseResult:
            places = {"component": component, "supplied": supplied.content}
            installed = self.install().content
            return self._execute(self._given("run", installed=installed, **places, **given), env)

        return _working(lambda broken: self.supply(component, given["parameters"], broken), use)

    def _given(self, phase: Phase, **more: Any) -> Given:
        return Given(
            phase=phase,
            language=self.language.name,
            language_folder=self.language.folder,
            folder=self.folder.phase(phase),
            **more,
        )

    def _taken(self, phase: Phase, key: str, make: Callable[[Path], Path], broken: Kept | None) -> Kept:
        """Return what is kept of a phase, or made now; take note of it."""
        on_wait = partial(self.watching.on_wait, phase)
        kept = Shelf(phase).take(key, make, self._held, broken=broken, on_wait=on_wait)
        if not kept.is_new and phase not in self.done:
            self.done[phase] = PhaseResult(phase, True, kept.log)
        return kept

    def _execute(self, given: Given, env: Mapping[str, str] | None = None) -> PhaseResult:
        self.watching.on_phase(given.phase)
        given.write()
        log = self.folder.log(given.phase)
        with _Log(log) as written:
            result = self.runtime.run_command(self._command(given, env or {}, written))
        self.done[given.phase] = done = PhaseResult(given.phase, False, log, result)
        if not result.ok:
            raise phase_failed(self.step, self.language.name, given.phase, result, log)
        return done

    def _command(self, given: Given, env: Mapping[str, str], log: _Log) -> Command:
        uv = UvAccess.of(self.language, given.phase, given.work, self.runtime.is_isolated)
        listens = given.phase == "run"
        return Command(
            argv=[str(self.language.executable(given.phase))],
            cwd=given.work,
            env={**env, **uv.variables, **given.variables()},
            mounts=[
                *(Mount(path) for path in (*given.read_only, *uv.files)),
                *(Mount(path, is_writable=True) for path in given.writable),
            ],
            needs_network=given.phase != "run",
            timeout=self.timeouts[given.phase],
            on_stdout=log.also(self.watching.on_stdout if listens else None),
            on_stderr=log.also(self.watching.on_stderr if listens else None),
            stop=self.watching.stop,
        )


def _working(make: Callable[[Kept | None], Kept], use: Callable[[Kept], T]) -> T:
    """Use what a phase made; when that turns out not to work any more, have it made again, once."""
    made = make(None)
    try:
        return use(made)
    except Again:
        return use(make(made))


class _Log:
    """A log file: both streams, in the order in which they arrive."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb", buffering=0)

    def __enter__(self) -> _Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def also(self, listener: Callback | None) -> Callback:
        """Return what writes to the log and tells `listener`."""

        def write(text: str) -> None:
            self.file.write(text.encode("utf-8", "surrogateescape"))
            if listener is not None:
                listener(text)

        return write
