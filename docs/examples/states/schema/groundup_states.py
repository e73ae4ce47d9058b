"""A SQLite database with the schema of migrations/ and the data of currencies.json."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from groundup import Params, UserError, state
from pydantic import BaseModel

APPLICATION = 0x53484F50  # marks a database of this repository, in the header of its file


class Database(BaseModel):
    """Where the database is, relative to the repository."""

    path: Path = Path("var/shop.db")


class Schema(BaseModel):
    """How far to migrate; by default as far as there are migrations."""

    version: int | None = None


@state
def database_file(repo_root: Path, database: Params[Database]) -> Path:
    """There is a database of this repository."""
    file = repo_root / database.path
    if not is_ours(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with connection(file) as db:
            if db.execute("SELECT 1 FROM sqlite_master").fetchone():
                hint = "name another file: --set database_file.path=…"
                raise UserError(f"{file} is a database of something else", hint=hint)
            db.execute(f"PRAGMA application_id = {APPLICATION}")
    return file


@database_file.satisfied
def _(repo_root: Path, database: Params[Database]) -> bool:
    return is_ours(repo_root / database.path)


@state(inputs=["migrations/*.sql"])
def schema(repo_root: Path, database_file: Path, wanted: Params[Schema]) -> int:
    """The schema is at the wanted version: each migration is applied once, in a transaction."""
    migrations = numbered(repo_root)
    version, now = last_version(migrations, wanted), pragma(database_file, "user_version")
    if version < now:
        raise UserError(
            f"{database_file} is at version {now}, and no migration leads back to {version}",
            hint="remove the file, or name another: --set database_file.path=…",
        )
    for number in range(now + 1, version + 1):
        migrate(database_file, migrations[number], number)
    return version


@schema.satisfied
def _(repo_root: Path, database_file: Path, wanted: Params[Schema]) -> bool:
    return pragma(database_file, "user_version") == last_version(numbered(repo_root), wanted)


@state(inputs=["currencies.json"], needs=["schema"])
def seeded(repo_root: Path, database_file: Path) -> int:
    """The database knows the currencies of currencies.json; others stay."""
    wanted = currencies(repo_root)
    with connection(database_file) as db:
        db.executemany(
            "INSERT INTO currencies VALUES (?, ?) ON CONFLICT (code) DO UPDATE SET name = excluded.name",
            wanted.items(),
        )
    print(f"known now: {', '.join(wanted)}")
    return len(wanted)


@seeded.satisfied
def _(repo_root: Path, database_file: Path) -> bool:
    with connection(database_file) as db:
        known = set(db.execute("SELECT code, name FROM currencies"))
    return known.issuperset(currencies(repo_root).items())


@state
def database(database_file: Path, schema: int, seeded: int) -> str:
    """The database is ready to be used."""
    return f"{database_file.name}: version {schema}, {seeded} currencies"


def is_ours(file: Path) -> bool:
    """Return whether there is a database of this repository."""
    return file.is_file() and pragma(file, "application_id") == APPLICATION


def numbered(root: Path) -> dict[int, Path]:
    """Return the migrations by number: 1, 2, 3 and so on, without a gap."""
    found = {int(file.name.partition("_")[0]): file for file in sorted(root.glob("migrations/*.sql"))}
    if sorted(found) != list(range(1, len(found) + 1)):
        raise UserError(
            f"the migrations are numbered {', '.join(map(str, sorted(found)))}", hint="leave no gap"
        )
    return found


def last_version(migrations: dict[int, Path], wanted: Schema) -> int:
    """Return the version that is wanted."""
    if wanted.version is not None and wanted.version not in (0, *migrations):
        raise UserError(f"there is no version {wanted.version}", hint=f"the last one is {len(migrations)}")
    return len(migrations) if wanted.version is None else wanted.version


def migrate(file: Path, migration: Path, number: int) -> None:
    """Apply one migration, all of it or nothing."""
    print(f"applying {migration.name}")
    with connection(file) as db:
        sql = migration.read_text(encoding="utf-8")
        try:
            db.executescript(f"BEGIN;\n{sql}\n;PRAGMA user_version = {number};\nCOMMIT;")
        except sqlite3.Error as error:
            hint = "correct it; nothing of it was applied"
            raise UserError(f"{migration.name}: {error}", hint=hint) from error


def currencies(root: Path) -> dict[str, str]:
    """Return the names of currencies by code."""
    names: dict[str, str] = json.loads((root / "currencies.json").read_text(encoding="utf-8"))
    return names


def pragma(file: Path, name: str) -> int:
    """Return a number in the header of a database."""
    with connection(file) as db:
        value: int = db.execute(f"PRAGMA {name}").fetchone()[0]
        return value


@contextmanager
def connection(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a database; commit at the end of the block, roll back on an error."""
    db = sqlite3.connect(file)
    try:
        with db:
            yield db
    finally:
        db.close()
