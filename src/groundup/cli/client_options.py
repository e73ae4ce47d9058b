"""The options of a client's command, and the parameters of states that they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import Parameter, signature
from typing import Any, NamedTuple

from groundup.cli.fields import Field, fields_of
from groundup.cli.running import Repository
from groundup.cli.target_command import Command, CommandError
from groundup.dag.errors import UnknownStateError, describe
from groundup.dag.params.source import ParamSource, Path
from groundup.dag.raising import raised_at
from groundup.errors import GroundupError, UserError

REQUIRED = "required, here or in the configuration"


class Own(NamedTuple):
    """An option of a client's command.

    :ivar state: whose parameter it is; empty where it is one of the command's function.
    :ivar argument: its name among the arguments that typer gives.
    """

    state: str
    argument: str
    field: Field


def options_of(command: Command, here: Repository) -> list[Own]:
    """Return the options of a command.

    :raises UserError: a state is unknown or takes no parameters, or two options have one name.
    """
    own: dict[str, Own] = {}
    for state, field in _fields(command, here):
        if field.names == "--help":
            raise CommandError(
                f"{command.source}: the command {command.name} cannot have an option --help of its own",
                hint="give that parameter another name",
            )
        other = own.setdefault(field.names, Own(state, f"option_{len(own)}", field))
        if other.field is not field:
            raise CommandError(
                f"{command.source}: both {other.state} and {state} give the command {command.name} an option "
                f"{field.names}",
                hint="declare it with a function, whose parameters have names of their own",
            )
    return list(own.values())


def _fields(command: Command, here: Repository) -> Iterator[tuple[str, Field]]:
    for name in (command.target, *command.options_of):
        if name not in here.graph:
            unknown = UnknownStateError(name, [state.name for state in here.graph])
            raise CommandError(f"{command.source}: {unknown}", hint=unknown.hint)
    if command.function is not None:
        yield from (("", field) for field in fields_of(_model(command)))
    for name in command.options_of:
        params = here.graph[name].params
        if params is not None:
            yield from ((name, field) for field in fields_of(params.wanted, required=REQUIRED))
        elif name != command.target:
            raise CommandError(
                f"{command.source}: {name} ({here.graph[name].source}) takes no parameters",
                hint=f"leave it out of the options of {command.name}",
            )


def params_of(command: Command, own: list[Own], here: Repository, given: Mapping[str, Any]) -> ParamSource:
    """Return the parameters of states that the options of a command stand for.

    :param given: what typer gives, None where an option was not typed.
    :raises UserError: an option is missing or wrong, or the command's function gives something else.
    """
    typed = [
        (each, _from_root(given[each.argument], here) if each.field.is_path else given[each.argument])
        for each in own
        if given[each.argument] not in (None, [])
    ]
    if command.function is not None:
        return _from_function(command, {each.field.key: value for each, value in typed})
    settings = [f"{each.state}.{each.field.key}={value}" for each, value in typed if isinstance(value, str)]
    tables: dict[str, dict[str, Any]] = {}
    for each, value in typed:
        if not isinstance(value, str):  # flags and lists
            tables.setdefault(each.state, {})[each.field.key] = value
    names: dict[Path, str] = {(each.state, each.field.key): each.field.names for each in own}
    both = ParamSource.from_settings(settings).over(ParamSource(tables))
    return ParamSource(both, lambda path: names.get(path[:2], command.name), both.texts, names)


def _from_root(typed: str | list[str], here: Repository) -> str | list[str]:
    if isinstance(typed, str):
        return here.path_from_root(typed)
    return [here.path_from_root(each) for each in typed]


def _from_function(command: Command, values: Mapping[str, Any]) -> ParamSource:
    """Return what the function of a command makes of its options.

    :raises UserError: an option is missing or wrong, or the function gives something else.
    """
    from pydantic import ValidationError

    try:
        model = _model(command).model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "--" + ".".join(map(str, first["loc"])).replace("_", "-")
        hint = f"`groundup {command.name} --help` lists its options"
        raise UserError(f"{command.name} {name}: {first['msg']}", hint=hint) from None
    arguments = {info.alias: getattr(model, name) for name, info in type(model).model_fields.items()}
    params = _called(command, arguments)
    if not isinstance(params, Mapping) or not all(isinstance(table, Mapping) for table in params.values()):
        raise CommandError(
            f"{command.source}: {command.name} gave {params!r}",
            hint='it has to give {"state": {"key": value}}',
        )
    return ParamSource(params, lambda _path: f"{command.name} at {command.source}")


def _called(command: Command, arguments: Mapping[str, Any]) -> object:
    """Call the function of a command.

    :raises GroundupError: it raised that, or something else, which is told with its place.
    """
    try:
        return command.function(**arguments) if command.function else {}
    except GroundupError:
        raise
    except Exception as error:
        file, line = raised_at(error, command.file)
        place = f" ({file}:{line})" if line else ""
        raise GroundupError(f"{command.source}: {command.name} failed: {describe(error)}{place}") from error


def _model(command: Command) -> Any:
    """Return a pydantic model of the parameters of a command's function.

    :raises CommandError: they cannot be options.
    """
    from pydantic import Field, create_model

    try:
        parameters = signature(command.function, eval_str=True).parameters if command.function else {}
        fields: Any = {  # names of their own: not every name of a parameter can be that of a field
            f"field_{number}": (_kind(each), Field(_default(each), alias=name))
            for number, (name, each) in enumerate(parameters.items())
        }
        return create_model(command.name, **fields)
    except Exception as error:
        raise CommandError(
            f"{command.source}: the parameters of {command.name} cannot be options: {error}",
            hint="annotate each with a type that pydantic knows",
        ) from error


def _kind(parameter: Parameter) -> Any:
    if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD, Parameter.POSITIONAL_ONLY):
        raise TypeError(f"{parameter} has no name of its own")
    return str if parameter.annotation is Parameter.empty else parameter.annotation


def _default(parameter: Parameter) -> Any:
    return ... if parameter.default is Parameter.empty else parameter.default
