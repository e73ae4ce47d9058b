"""The options that every command has which reaches states, for typer; and what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, Signature
from inspect import signature as signature_of
from keyword import iskeyword
from typing import Annotated, Any, TypeVar

import typer

from groundup.cli.shown import Shown
from groundup.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])


def option(annotation: Any, default: Any, *names: str, help: str, **more: Any) -> Parameter:  # noqa: A002
    """Return a parameter of a function, as typer makes an option of it; the last of `names` is its own."""
    own = names[-1].partition("/")[0].lstrip("-").replace("-", "_")
    own = f"{own}_" if iskeyword(own) else own
    described = Annotated[annotation, typer.Option(..., *names, help=help, **more)]
    return Parameter(own, Parameter.KEYWORD_ONLY, default=default, annotation=described)


def run_options() -> list[Parameter]:
    """Return the options of a run."""
    return [
        option(int | None, None, "-j", "--jobs", min=1, help="States that are evaluated at once.",
               show_default="the machine's cores"),
        option(bool, False, "-k", "--keep-going", help="After a failure, go on with what does not need it."),
        option(list[str] | None, None, "-f", "--force", metavar="STATE",
               help="Evaluate it even when it is up to date; repeatable."),
        option(list[str] | None, None, "--set", metavar="STATE.KEY=VALUE",
               help="A parameter of a state; repeatable."),
        option(bool, False, "-n", "--dry-run", help="Only show what would run, and why."),
        option(bool, False, "--json", help="Events as JSON on stdout, a line each."),
        option(bool, False, "-q", "--quiet", help="Show nothing but failures."),
        option(bool, False, "-v", "--verbose", help="Show what each state wrote when it has ended."),
        option(bool, False, "-s", "--no-capture", help="Let the output of states go straight through."),
    ]  # fmt: skip


def taking(parameters: Iterable[Parameter]) -> Callable[[F], F]:
    """Let typer see, as a decorator, these parameters in the place of a function's ``**given``."""

    def changed(function: F) -> F:
        own = signature_of(function, eval_str=True)
        kept = [each for each in own.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
        signature = Signature([*kept, *parameters], return_annotation=own.return_annotation)
        function.__signature__ = signature  # type: ignore[attr-defined]
        function.__annotations__ = {name: each.annotation for name, each in signature.parameters.items()}
        return function

    return changed


def run_and_shown(given: Mapping[str, Any]) -> tuple[dict[str, Any], Shown]:
    """Return what the options of a run ask for: the arguments of ``Options``, and what is shown.

    :raises UserError: two of them do not go together.
    """
    shown = Shown(
        quiet=given.get("quiet", False),
        verbose=given.get("verbose", False),
        as_json=given.get("json", False),
        dry_run=given.get("dry_run", False),
    )
    captures = not given.get("no_capture", False)
    _refuse_both(shown.as_json and not captures, "--json", "--no-capture", "stdout belongs to the events")
    _refuse_both(shown.verbose and not captures, "--verbose", "--no-capture", "there is nothing left to show")
    _refuse_both(shown.verbose and shown.quiet, "--verbose", "--quiet", "choose one")
    return {
        "jobs": given.get("jobs"),
        "keep_going": given.get("keep_going", False),
        "force": given.get("force") or (),
        "settings": given.get("set") or (),
        "captures": captures,
    }, shown


def _refuse_both(is_so: bool, first: str, second: str, why: str) -> None:
    if is_so:
        raise UserError(f"{first} and {second} do not go together: {why}", hint="leave one of them out")
