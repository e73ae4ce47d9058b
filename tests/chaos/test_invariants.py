"""The invariants notice what may not be: each case damages what was well, a database or a journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from groundup.manager.store.schema import node_states
from tests.support.chaos import BRANCHES, SPREAD, SPREAD_SUCCESSES, Journal
from tests.support.invariants import Kept, violations
from tests.support.manager import Bench, registration

ANOTHER = "0" * 24


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A run that ended, one attempt of it after a failure."""
    made = Bench(tmp_path / "manager.db")
    made.register(registration("Work"), registration("Split"))
    made.save(*SPREAD, retry_policy={"max_retries": 1, "strategy": "FIXED", "backoff_factor": 1})
    made.run_id = made.trigger()
    made.errored(made.claim("Split")[0].state_id)
    made.now += 1
    made.executed(made.claim("Split")[0].state_id, *[{}] * BRANCHES)
    made.run_all("Work")
    yield made
    made.database.close()


@pytest.fixture
def kept(bench: Bench, tmp_path: Path) -> Kept:
    return Kept.read(tmp_path / "manager.db")


@pytest.fixture
def journal(kept: Kept, tmp_path: Path) -> Journal:
    """What workers would have written."""
    written = Journal(tmp_path / "journal")
    for state in kept.states:
        if state.claims:
            write(written, f"begin {state.id}", f"end {state.id}")
            if state.error:
                written.fault("something")
    return written


def write(journal: Journal, *events: str) -> None:
    with journal.path.open("a") as file:
        file.writelines(f"{event} 1 0\n" for event in events)


def copy_of(identifier: str, **changes: str) -> str:
    """The statement that adds a node state like one that is there."""
    columns = [column.name for column in node_states.c if column.name not in {"seq", "id", "fanout"}]
    values = ", ".join(changes.get(column, column) for column in columns)
    return (
        f"INSERT INTO node_states (id, fanout, {', '.join(columns)}) "  # noqa: S608
        f"SELECT '{ANOTHER}', '{ANOTHER}', {values} "
        f"FROM node_states WHERE identifier = '{identifier}' LIMIT 1"
    )


def test_all_is_well(kept: Kept, journal: Journal) -> None:
    assert violations(kept, journal) == []
    assert kept.successes() == {kept.states[0].run_id: SPREAD_SUCCESSES}


@pytest.mark.parametrize(
    ("damage", "noticed"),
    [
        ("UPDATE node_states SET status = 'QUEUED' WHERE identifier = 'last'", "QUEUED for ever"),
        ("DELETE FROM node_states WHERE identifier = 'last'", "last is missing"),
        ("DELETE FROM node_states WHERE identifier = 'join'", "united 0 times"),
        ("UPDATE node_states SET status = 'ERRORED' WHERE identifier = 'join'", "last follows nothing"),
        ("UPDATE node_states SET retry_count = 2 WHERE retry_count = 1", "the limit is 1"),
        ("UPDATE node_states SET status = 'SUCCESS' WHERE status = 'RETRY_CREATED'", "ended as"),
        (copy_of("last"), "attempts of last"),
        (copy_of("last", parents="'{}'"), "last follows nothing"),
        (copy_of("join", parents="'{}'", join_key="NULL"), "united 2 times"),
    ],
)
def test_damage_is_noticed(bench: Bench, journal: Journal, tmp_path: Path, damage: str, noticed: str) -> None:
    bench.database.write(
        lambda connection: [
            connection.exec_driver_sql(statement) for statement in ("DELETE FROM group_members", damage)
        ]
    ).result()
    found = violations(Kept.read(tmp_path / "manager.db"), journal)
    assert any(noticed in line for line in found), found


def test_what_ran_again_for_no_reason_is_noticed(kept: Kept, journal: Journal) -> None:
    lines = [line for line in journal.path.read_text().splitlines() if "fault" not in line]
    journal.path.write_text("\n".join(lines) + "\n")
    assert "although nothing had happened" in violations(kept, journal)[0]


def test_an_attempt_that_began_twice_is_noticed(kept: Kept, journal: Journal) -> None:
    write(journal, f"begin {kept.states[-1].id}")
    assert violations(kept, journal) == [f"{kept.states[-1].id} began 2 times"]


def test_a_success_that_nobody_executed_is_noticed(kept: Kept, journal: Journal) -> None:
    last = kept.states[-1].id
    lines = [line for line in journal.path.read_text().splitlines() if last not in line]
    journal.path.write_text("\n".join(lines) + "\n")
    assert violations(kept, journal) == [
        f"{kept.states[-1].identifier} {last} succeeded without being executed"
    ]
