"""A run for a command: of the repository's states, with what is known of earlier runs, output kept apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache, partial
from io import TextIOWrapper
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from groundup.cli.failures import tell
from groundup.cli.interrupts import terminable
from groundup.cli.warned import warnings_told
from groundup.config import Config, load_config
from groundup.dag import Event, Report, Runner, StateFailedError
from groundup.errors import GroundupError
from groundup.states.environment import known_values
from groundup.states.loading import LoadedGraph, load_graph, load_params

if TYPE_CHECKING:
    from groundup.cli.outputs import Outputs
    from groundup.dag.output import Capture
    from groundup.dag.params.source import ParamSource
    from groundup.dag.preview import Preview
    from groundup.dag.uptodate import Tracker

RUNS, STATES = "runs", "states"  # folders of the repository's data


class Repository(NamedTuple):
    """What a run is about.

    :ivar called_from: the folder in which the command was typed.
    """

    config: Config
    graph: LoadedGraph
    called_from: Path

    def path_from_root(self, text: str) -> str:
        """Return a path that was typed as the states of the repository have to name it."""
        root = str(self.config.root)
        if text == "-" or str(self.called_from) == root or Path(text).is_absolute():
            return text
        path = os.path.relpath(self.called_from / text, root)
        return str(self.called_from / text) if Path(path).parts[0] == ".." else path


class Options(NamedTuple):
    """How states are to be reached.

    :ivar jobs: how many are evaluated at once; default: the machine's cores.
    :ivar keep_going: after a failure, go on with what does not depend on it.
    :ivar force: names of states that are evaluated even when they are up to date.
    :ivar settings: parameters of states, each ``state.key=value``.
    :ivar params: further parameters of states, that come before all others.
    :ivar captures: whether the output of states is kept apart; otherwise it goes straight through.
    :ivar outputs: remembers what each state wrote.
    """

    jobs: int | None = None
    keep_going: bool = False
    force: Sequence[str] = ()
    settings: Sequence[str] = ()
    params: ParamSource | None = None
    captures: bool = True
    outputs: Outputs | None = None


DEFAULTS = Options()


class Watcher(Protocol):
    """Shows a run, or writes down what happens in it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def on_event(self, event: Event) -> None:
        """Take note of what the runner tells."""


@cache
def repository() -> Repository:
    """Return the repository that this process's environment belongs to; its root is the current folder then.

    :raises GroundupError: its configuration or one of its modules of states is wrong.
    """
    config = load_config()
    called_from = _current_folder() or config.root
    os.chdir(config.root)  # as for commands: what modules and states name is relative to root
    return Repository(config, load_graph(config), called_from)


def _current_folder() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:  # it was removed
        return None


def run(names: Sequence[str], watcher: Watcher | None = None, options: Options = DEFAULTS) -> Report:
    """Reach the states `names`, else the configured target, told to `watcher`.

    :raises UserError: the configuration, a module of states or a parameter is wrong, or a name is unknown.
    :raises KeyboardInterrupt: after the child processes of states were ended; also for SIGTERM.
    """
    here = repository()
    if not options.captures:
        _write_lines_at_once()
    on_event = watcher.on_event if watcher else None
    report: Report | None = None
    try:
        with warnings_told(), watcher or nullcontext(), runner_of(here, options, on_event) as runner:
            report = runner.reach(*(names or [here.config.target]))
    except StateFailedError:  # at the end of a generator, which the report tells then
        if report is None:
            raise
    return report


@contextmanager
def held(names: Sequence[str], options: Options) -> Iterator[Report]:
    """Reach the states `names`; what those hold that are generators stays for the block.

    :raises GroundupError: a state failed: its own error, where that is meant for people.
    :raises UserError: the configuration, a module of states or a parameter is wrong, or a name is unknown.
    """
    with runner_of(repository(), options) as runner:
        report = runner.reach(*names)
        for outcome in report.failures:
            if isinstance(outcome.error, GroundupError):
                raise outcome.error
        report.raise_for_failure()
        yield report


def foreseen(names: Sequence[str], options: Options = DEFAULTS) -> Sequence[Preview]:
    """Return what reaching `names`, else the configured target, would do, parents first.

    :raises UserError: the configuration, a module of states or a parameter is wrong, or a name is unknown.
    """
    here = repository()
    known = known_values(here.graph, here.config)
    with runner_of(here, options._replace(captures=False), overrides=known) as runner:
        return runner.preview(*(names or [here.config.target]))


def _write_lines_at_once() -> None:
    """Let the lines of states stand among those of their child processes, also where there is no terminal."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


@contextmanager
def runner_of(
    here: Repository,
    options: Options,
    on_event: Callable[[Event], None] | None = None,
    overrides: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[Runner]:
    """Give a runner of the states of a repository.

    :param overrides: values that stand in for states.
    :raises ParamsError: a parameter is wrong.
    """
    config = here.config
    params = load_params(config, options.settings)
    with ExitStack() as stack:
        interrupts = stack.enter_context(terminable())
        capture = stack.enter_context(_capture(config, options)) if options.captures else None
        runner = stack.enter_context(
            Runner(
                here.graph,
                jobs=options.jobs,
                keep_going=options.keep_going,
                overrides=overrides,
                params=params if options.params is None else options.params.over(params),
                tracker=stack.enter_context(_tracker(config)),
                force=options.force,
                capture=capture,
                on_event=on_event,
            )
        )
        interrupts.kill = runner.kill
        yield runner


def _capture(config: Config, options: Options) -> Capture:
    from groundup.dag.output import Capture

    folder = config.data / RUNS
    return options.outputs.capture(folder) if options.outputs else Capture(folder)


def _tracker(config: Config) -> Tracker:
    from groundup.dag.uptodate import Tracker

    return Tracker(config.root, config.data / STATES, on_notice=partial(tell, word="warning:"))
