"""Every failure becomes ``error:`` and ``hint:`` on stderr and an exit code; no traceback reaches a user."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from groundup import proto_kernel
from groundup.errors import GroundupError

INTERRUPTED = 130
STDOUT = "stdout"  # as the name of a file that cannot be written
READER_GONE = 141  # as a shell reports SIGPIPE


def guarded(action: Callable[[], int]) -> int:
    """Run `action` and return its exit code, or the one of its failure, which is told."""
    _open_what_is_closed()
    _never_fail_to_encode()
    try:
        code = action()
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        return _interrupted(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE
    except proto_kernel.KernelError as error:
        tell(str(error), error.hint)
        return error.code
    except GroundupError as error:
        tell(str(error), error.hint or _hint_for(error))
        return error.exit_code
    except Exception as error:
        _tell_unexpected(error)
        return 1
    return code


def tell(message: str, hint: str = "", *, word: str = "error:") -> None:
    """Write what is wrong and what to do about it to stderr, secrets masked."""
    for label, colour, text in ((word, "31", message), ("hint:", "36", hint)):
        if text:
            proto_kernel.LOG.write(f"{proto_kernel.paint(label, colour)} {text}")


def _tell_unexpected(error: Exception) -> None:
    reason = _let_go_of_what_cannot_be_written()
    if isinstance(error, OSError) and error.filename == STDOUT:
        reason = str(error.strerror)
    if reason:
        tell(f"{STDOUT}: {reason}", "free some space where it goes and run again")
    elif isinstance(error, FileNotFoundError) and _is_nowhere():
        tell("the working folder was removed", "change to another one")
    else:
        tell(f"unexpected {type(error).__name__}: {error}", where_logged(error))


def _is_nowhere() -> bool:
    """Return whether the working folder was removed."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _interrupted(error: KeyboardInterrupt) -> int:
    from groundup.cli.interrupts import Terminated

    word, code = ("interrupted", INTERRUPTED)
    if isinstance(error, Terminated):
        word, code = error.word, error.exit_code
    tell(word, "\n".join(getattr(error, "__notes__", ())) or "run the same command again: it continues")
    _let_go_of_what_cannot_be_written()
    return code


def _let_go_of_what_cannot_be_written() -> str:
    """Lose it, as to a terminal that is gone: at its end, Python fails on it. Return why, for stdout."""
    reasons = {}
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            reasons[stream] = str(error.strerror)
    return reasons.get(sys.stdout, "")


def _hint_for(error: GroundupError) -> str:
    """Return the hint for an error that has none: where a state raised what was not meant for people."""
    return where_logged(error.__cause__)


def where_logged(*errors: BaseException | None) -> str:
    """Write those errors to a log file that were not meant for people, and return a hint that names it."""
    unexpected = [
        error for error in errors if isinstance(error, Exception) and not isinstance(error, GroundupError)
    ]
    if not unexpected:
        return ""
    from groundup.cli.log import write_log

    return f"everything about it is in {write_log(*unexpected)}"


def _open_what_is_closed() -> None:
    """Let closed streams lead nowhere, so that what is opened later does not take their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(nowhere, True)
            setattr(sys, name, open(nowhere, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _never_fail_to_encode() -> None:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
