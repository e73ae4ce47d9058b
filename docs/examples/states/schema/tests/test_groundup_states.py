"""Each state alone, with stand-ins for its parents, on a real database."""

import shutil
from pathlib import Path

import pytest
from groundup import UserError
from groundup.dag.testing import reach

import groundup_states as states

REPOSITORY = Path(states.__file__).parent
LAST = len(list(REPOSITORY.glob("migrations/*.sql")))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A copy of what the states read."""
    shutil.copytree(REPOSITORY / "migrations", tmp_path / "migrations")
    shutil.copy(REPOSITORY / "currencies.json", tmp_path)
    return tmp_path


@pytest.fixture
def file(repo: Path) -> Path:
    return reach(states.database_file, overrides={"repo_root": repo})


def tables(file: Path) -> set[str]:
    with states.connection(file) as db:
        return {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_the_file_is_made_where_it_is_wanted(repo: Path) -> None:
    file = reach(states.database_file, overrides={"repo_root": repo}, params={"path": "a/b.db"})
    assert file == repo / "a/b.db"
    assert tables(file) == set()


def test_a_file_that_is_there_stays(repo: Path, file: Path) -> None:
    reach(states.schema, overrides={"repo_root": repo, "database_file": file})
    assert reach(states.database_file, overrides={"repo_root": repo}) == file
    assert tables(file) >= {"currencies", "orders"}


def test_a_database_of_others_is_left_alone(repo: Path) -> None:
    with states.connection(repo / "foreign.db") as db:
        db.execute("CREATE TABLE theirs (id)")
    with pytest.raises(UserError, match="something else"):
        reach(states.database_file, overrides={"repo_root": repo}, params={"path": "foreign.db"})


def test_migrations_are_applied_in_order(repo: Path, file: Path) -> None:
    parents = {"repo_root": repo, "database_file": file}
    assert reach(states.schema, overrides=parents, params={"version": 1}) == 1
    assert tables(file) == {"currencies"}
    assert reach(states.schema, overrides=parents) == LAST
    assert tables(file) >= {"currencies", "orders"}


def test_a_migration_that_fails_leaves_nothing_behind(repo: Path, file: Path) -> None:
    (repo / f"migrations/{LAST + 1}_broken.sql").write_text(
        "CREATE TABLE half (a);\nCREATE TABLE orders (a);"
    )
    with pytest.raises(UserError, match=r"broken\.sql: table orders already exists"):
        reach(states.schema, overrides={"repo_root": repo, "database_file": file})
    assert "half" not in tables(file)
    assert states.pragma(file, "user_version") == LAST


def test_a_gap_between_migrations_is_named(repo: Path, file: Path) -> None:
    (repo / "migrations/1_currencies.sql").unlink()
    with pytest.raises(UserError, match="numbered 2"):
        reach(states.schema, overrides={"repo_root": repo, "database_file": file})


def test_there_is_no_way_back(repo: Path, file: Path) -> None:
    parents = {"repo_root": repo, "database_file": file}
    reach(states.schema, overrides=parents)
    with pytest.raises(UserError, match=f"at version {LAST}"):
        reach(states.schema, overrides=parents, params={"version": 1})


def test_currencies_are_renamed_and_others_stay(repo: Path, file: Path) -> None:
    parents = {"repo_root": repo, "database_file": file, "schema": LAST}
    reach(states.schema, overrides={"repo_root": repo, "database_file": file})
    with states.connection(file) as db:
        db.execute("INSERT INTO currencies VALUES ('SEK', 'crown'), ('ISK', 'krona')")
    assert reach(states.seeded, overrides=parents) == 2
    with states.connection(file) as db:
        assert dict(db.execute("SELECT * FROM currencies")) == {
            "EUR": "euro",
            "SEK": "Swedish krona",
            "ISK": "krona",
        }


def test_all_of_them_together(repo: Path) -> None:
    real = [states.database_file, states.schema, states.seeded]
    told = reach(states.database, states=real, overrides={"repo_root": repo})
    assert told == f"shop.db: version {LAST}, 2 currencies"
