"""Whether a language keeps the contract: looked at, then installed."""

from __future__ import annotations

from pathlib import Path

from groundup.errors import GroundupError, UserError
from groundup.execution.languages.errors import LanguageError, StepFailed
from groundup.execution.languages.folders import run_folder
from groundup.execution.languages.language import find_language
from groundup.execution.languages.phases import Phases, Watching
from groundup.execution.languages.runtime import CommandRuntime

CHECKS = "language-check"  # the name under which the logs of checks are kept


def check_language(name: str, folder: Path, runtime: CommandRuntime) -> str:
    """Return what keeps a language from being used; empty when nothing does. It is installed then.

    :raises UserError: it cannot be looked for in this runtime.
    """
    try:
        language = find_language(name, {name: folder})
        with (
            run_folder(CHECKS) as logs,
            Phases(language, runtime, logs, CHECKS, timeouts={}, watching=Watching()) as phases,
        ):
            phases.install()
    except LanguageError as error:
        return str(error)
    except StepFailed as failed:
        return f"{failed.what}; {failed.hint}"
    except UserError:
        raise
    except GroundupError as error:  # its executable cannot be started
        return f"{error}; {error.hint}"
    return ""
