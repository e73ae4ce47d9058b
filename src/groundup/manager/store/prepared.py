"""Statements whose text is made once: what SQLAlchemy does for each row costs more than the database does.

Values come and go as drivers have them: JSON and statuses as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    CursorResult,
    Dialect,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    select,
)
from sqlalchemy import ColumnElement as Expression

from groundup.manager.store.json_text import encode

Values = Mapping[str, Any]
Given = Callable[[str], Expression[Any]]
"""The expression for a value that is given under a name."""

_ROWS = "rows"


class Statement:
    """A statement whose bind parameters have names.

    :param build: gives the statement for the dialect of this name.
    """

    def __init__(self, build: Callable[[str], Any]) -> None:
        self._build = build
        self._texts: dict[str, _Text] = {}

    def execute(self, connection: Connection, values: Values) -> CursorResult[Any]:
        """Run it."""
        text = self.text(connection.dialect)
        return connection.exec_driver_sql(text.sql, text.parameters(values))

    def text(self, dialect: Dialect) -> _Text:
        """The statement as it is run."""
        text = self._texts.get(dialect.name)
        if text is None:
            text = self._texts[dialect.name] = _Text(self._build(dialect.name), dialect)
        return text


class ForEach:
    """A statement for many rows of values: SQLite runs it for each, PostgreSQL takes all of them at once.

    :param build: gives the statement from what gives the values of a row.
    :param numbers: names of values that are integers; all others are text.
    """

    def __init__(self, names: Sequence[str], numbers: frozenset[str], build: Callable[[Given], Any]) -> None:
        self._statement = Statement(lambda dialect: build(_given(dialect, names, numbers)))

    def execute(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Run it; gives how many rows of the database that touched."""
        if connection.dialect.name == "postgresql":
            return self._statement.execute(connection, {_ROWS: encode(rows)}).rowcount
        text = self._statement.text(connection.dialect)
        if len(rows) == 1:
            return connection.exec_driver_sql(text.sql, text.parameters(rows[0])).rowcount
        return connection.exec_driver_sql(text.sql, [text.parameters(row) for row in rows]).rowcount


def among(found: Expression[Any], name: str, dialect: str) -> Expression[bool]:
    """Whether ``found`` is one of the texts in a JSON list that is given as ``name``."""
    given = bindparam(name, type_=Text)
    if dialect == "postgresql":
        texts = func.json_array_elements_text(cast(given, JSON)).column_valued("listed")
        return found == any_(func.array(select(texts).scalar_subquery()))
    return found.in_(select(func.json_each(given).table_valued("value").c.value))


def _given(dialect: str, names: Sequence[str], numbers: frozenset[str]) -> Given:
    if dialect != "postgresql":
        return bindparam
    columns = [column(name, BigInteger if name in numbers else Text) for name in names]
    rows = func.json_to_recordset(cast(bindparam(_ROWS, type_=Text), JSON)).table_valued(*columns)
    return rows.render_derived(name="given", with_types=True).c.__getitem__


class _Text:
    """A statement in the words of one driver."""

    def __init__(self, source: Any, dialect: Dialect) -> None:
        compiled = source.compile(dialect=dialect)
        self.sql = str(compiled)
        self._order: tuple[str, ...] | None = compiled.positiontup and tuple(compiled.positiontup)
        given = compiled.construct_params(_check=False)
        self._constants = {name: value for name, value in given.items() if value is not None}

    def parameters(self, values: Values) -> Any:
        """``values`` and constants as the driver wants them."""
        everything = {**self._constants, **values} if self._constants else values
        return everything if self._order is None else tuple([everything[name] for name in self._order])
