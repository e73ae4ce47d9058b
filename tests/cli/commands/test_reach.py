"""`groundup reach` in a repository with states of its own: what runs, what is shown, how it ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.background import Background, until
from tests.support.mounts import in_namespace, read_only
from tests.support.neo import Neo
from tests.support.repositories import write

STATES = '''
    import subprocess
    from pathlib import Path

    from pydantic import BaseModel

    from groundup import Config, GroundupError, Params, state


    class Size(BaseModel):
        width: int = 1


    @state
    def work(config: Config) -> Path:
        """The folder of this test."""
        return config.root / "work"


    @state(inputs=["work/in.txt"], outputs=["work/out.txt"])
    def built(work: Path, params: Params[Size]) -> int:
        """The output is built from the input."""
        print("building")
        text = (work / "in.txt").read_text()
        (work / "out.txt").write_text(text * params.width)
        with (work / "log.txt").open("a") as log:
            log.write("built\\n")
        return len(text)


    @state
    def measured(built: int) -> str:
        """The input is measured."""
        return f"{built} characters"


    @state
    def broken(built: int) -> None:
        """A program fails."""
        subprocess.run(["sh", "-c", "seq 100; echo no luck >&2; exit 7"], check=True)


    @state(needs=["broken"])
    def after() -> None:
        """It needs what is broken."""


    @state
    def refused() -> None:
        """It refuses."""
        raise GroundupError("not today", hint="come back tomorrow", exit_code=9)


    @state(needs=["after", "refused", "measured"])
    def everything() -> None:
        """It needs all of them."""
'''


@pytest.fixture
def repo(client: Neo) -> Neo:
    """A repository whose states are those above."""
    write(client.repo, "groundup_states.py", STATES)
    (client.repo / "work/in.txt").write_text("text")
    return client


def reach(neo: Neo, *words: str, check: bool = False) -> subprocess.CompletedProcess[str]:
    return neo.run(neo.module("reach", *words), check=check)


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def times_built(neo: Neo) -> int:
    log = neo.repo / "work/log.txt"
    return len(log.read_text().splitlines()) if log.exists() else 0


def summary(done: subprocess.CompletedProcess[str]) -> str:
    return next(line for line in done.stderr.splitlines() if line.startswith("ok "))


# ── what runs ────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_up_to_date_is_skipped_and_gives_the_value_of_last_time(repo: Neo) -> None:
    first, second = (reach(repo, "measured", check=True) for _ in range(2))
    assert re.search(r"Δ built  \d+\.\d\d s  4\n", first.stderr)
    assert summary(first) == "ok 3 · changed 1 · skipped 0 · failed 0 · not run 0"
    assert "= built  up to date\n" in second.stderr
    assert re.search(r"✓ measured  \d+\.\d\d s  4 characters\n", second.stderr)
    assert summary(second) == "ok 3 · changed 0 · skipped 1 · failed 0 · not run 0"
    assert times_built(repo) == 1


def test_force_evaluates_what_is_up_to_date(repo: Neo) -> None:
    reach(repo, "measured", check=True)
    done = reach(repo, "measured", "--force", "built", check=True)
    assert re.search(r"✓ built  \d+\.\d\d s  4  \(forced\)\n", done.stderr)  # the result of before
    assert times_built(repo) == 2


def test_a_parameter_that_is_set_reaches_its_state(repo: Neo) -> None:
    reach(repo, "built", "--set", "built.width=3", check=True)
    assert (repo.repo / "work/out.txt").read_text() == "texttexttext"


def test_a_failure_stops_the_rest_and_with_keep_going_only_what_needs_it(repo: Neo) -> None:
    stopped = reach(repo, "everything", "--jobs", "1")
    assert summary(stopped) == "ok 2 · changed 1 · skipped 0 · failed 1 · not run 4"
    kept = reach(repo, "everything", "--jobs", "1", "--keep-going")
    assert summary(kept) == "ok 3 · changed 0 · skipped 1 · failed 2 · not run 2"


def test_the_first_failure_gives_the_exit_code(repo: Neo) -> None:
    done = reach(repo, "everything", "--jobs", "1", "--keep-going")
    assert done.returncode == 7
    assert done.stderr.splitlines()[-1].startswith("FAILURE: everything in ")
    assert reach(repo, "refused").returncode == 9


@pytest.mark.parametrize("words", [("--force", "biult"), ("--set", "biult.width=3"), ("biult",)])
def test_a_mistyped_name_runs_nothing(repo: Neo, words: tuple[str, ...]) -> None:
    done = reach(repo, "measured", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "hint: did you mean built?"
    assert times_built(repo) == 0


@pytest.mark.parametrize("jobs", ["0", "-1", "x"])
def test_a_number_of_jobs_that_is_none_is_refused(repo: Neo, jobs: str) -> None:
    done = reach(repo, "measured", "--jobs", jobs)
    assert done.returncode == 2
    assert "--jobs" in done.stderr.splitlines()[0]


# ── what is shown ────────────────────────────────────────────────────────────────────────────────────


def test_a_failure_shows_where_what_its_last_output_and_what_was_not_run(repo: Neo) -> None:
    done = reach(repo, "after")
    lines = done.stderr.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("✗ broken  /"))
    block = lines[start : lines.index(summary(done))]
    assert re.fullmatch(rf"✗ broken  {repo.repo}/groundup_states.py:\d+", block[0])
    assert block[1] == "  sh -c 'seq 100; echo no luck >&2; exit 7' exited with 7"
    at = re.fullmatch(rf"  at {repo.repo}/groundup_states.py:(\d+)", block[2])
    assert at
    assert "seq 100" in (repo.repo / "groundup_states.py").read_text().splitlines()[int(at[1]) - 1]
    traceback = re.fullmatch(r"  hint: everything about it is in (.+)", block[3])
    assert traceback
    assert "Traceback" in Path(traceback[1]).read_text()
    log = re.fullmatch(r"  the end of its output, which is in (.+):", block[4])
    assert log
    assert block[5:-1] == [f"  │ {number}" for number in range(82, 101)] + ["  │ no luck"]
    assert block[-1] == "  not run because of it: after"
    written = Path(log[1]).read_text()
    assert "\n1\n2\n" in written
    assert "building" in written


def test_an_error_is_told_once(repo: Neo) -> None:
    for words in (("after",), ("after", "-q"), ("refused",), ("refused", "-q")):
        told = reach(repo, *words).stderr
        assert told.count("exited with 7") + told.count("not today") == 1
        assert told.count("hint: ") == 1


def test_quiet_shows_failures_only(repo: Neo) -> None:
    done = reach(repo, "after", "-q")
    assert done.returncode == 7
    assert done.stderr.startswith("✗ broken  /")
    assert "no luck" in done.stderr
    assert "building" not in done.stderr


def test_why_something_ran_again_is_shown(repo: Neo) -> None:
    reach(repo, "built", check=True)
    (repo.repo / "work/in.txt").write_text("other text")
    done = reach(repo, "built", check=True)
    assert re.search(
        r"Δ built  \d+\.\d\d s  10  \(input work/in.txt changed: [0-9a-f]{8} → [0-9a-f]{8}\)\n", done.stderr
    )


def test_inputs_that_match_nothing_are_a_warning_where_the_state_runs(repo: Neo) -> None:
    write(repo.repo, "groundup_states.py", STATES.replace("work/in.txt", "wrok/in.txt"))
    done = reach(repo, "built", check=True)
    assert re.search(
        r"(?m)^warning: inputs of built that match nothing: wrok/in.txt  /.*_states.py:\d+$", done.stderr
    )
    assert "warning" not in reach(repo, "built", check=True).stderr
    forced = reach(repo, "built", "-f", "built", "--json", check=True)
    assert events(forced)[-1]["unmatched_inputs"] == {"built": ["wrok/in.txt"]}


def test_verbose_shows_what_each_state_wrote(repo: Neo) -> None:
    done = reach(repo, "measured", "-v", check=True)
    assert done.stderr.startswith("built wrote:\n│ building\n✓ config")
    assert done.stdout == ""


def test_output_is_kept_from_stdout_unless_it_shall_go_through(repo: Neo) -> None:
    assert reach(repo, "built", check=True).stdout == ""
    assert reach(repo, "built", "--force", "built", "-s", check=True).stdout == "building\n"


SPOKEN = '''
    import subprocess

    from groundup import state


    @state
    def spoken() -> None:
        """It says something, and so does its program."""
        print("first")
        subprocess.run(["echo", "second"], check=True)
        print("third")
'''


def test_lines_that_go_straight_through_keep_their_order(client: Neo) -> None:
    write(client.repo, "groundup_states.py", SPOKEN)
    command = client.module("reach", "spoken", "-s")
    done = subprocess.run(
        command, env=client.env, cwd=client.repo, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    )
    lines = done.stdout.decode().splitlines()
    assert [line for line in lines if line in {"first", "second", "third"}] == ["first", "second", "third"]
    assert lines.index("third") < next(n for n, line in enumerate(lines) if line.startswith("✓ spoken"))


TALKATIVE = '''
    from collections.abc import Iterator

    from groundup import state


    @state
    def held() -> Iterator[str]:
        """It says something when it is put away, and when it is checked."""
        yield "held"
        print("put away")


    @held.satisfied
    def _() -> bool:
        print("checked")
        return False
'''


@pytest.mark.parametrize("words", [(), ("-q",), ("--json",)])
def test_what_a_clean_up_or_a_check_writes_is_kept_from_stdout(client: Neo, words: tuple[str, ...]) -> None:
    write(client.repo, "groundup_states.py", TALKATIVE)
    done = reach(client, "held", *words, check=True)
    assert "put away" not in done.stdout + done.stderr
    assert "checked" not in done.stdout + done.stderr
    (log,) = (client.repo / ".groundup/runs").iterdir()
    assert [line for line in log.read_text().splitlines() if line in {"put away", "checked"}] == [
        "checked",
        "put away",
    ]


def test_events_are_json_and_nothing_else_is_on_stdout(repo: Neo) -> None:
    done = reach(repo, "after", "--json")
    told = events(done)
    assert done.returncode == 7
    assert told[-1]["event"] == "report"
    assert told[-1]["failures"] == [
        {"state": "broken", "source": told[-1]["failures"][0]["source"], "not_run": ["after"]}
    ]
    assert Path(told[-1]["log"]).is_file()
    failed = next(event for event in told if event.get("status") == "failed")
    assert failed["output"].endswith("100\nno luck")
    assert failed["error"]["exit_code"] == 7
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]


def test_events_say_why_something_ran(repo: Neo) -> None:
    reach(repo, "built", check=True)
    (repo.repo / "work/in.txt").write_text("other text")
    told = events(reach(repo, "built", "--json", check=True))
    (built,) = (event for event in told if event["event"] == "finished" and event["state"] == "built")
    assert built["status"] == "changed"
    assert [(reason["kind"], reason["name"]) for reason in built["reasons"]] == [("input", "work/in.txt")]


@pytest.mark.parametrize(
    "words", [("--json", "--no-capture"), ("--verbose", "--no-capture"), ("--verbose", "--quiet")]
)
def test_options_that_contradict_each_other_are_refused(repo: Neo, words: tuple[str, str]) -> None:
    done = reach(repo, "built", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {words[0]} and {words[1]} do not go together: ")
    assert times_built(repo) == 0


# ── what would run ───────────────────────────────────────────────────────────────────────────────────


def test_a_dry_run_says_what_would_run_and_why_and_evaluates_nothing(repo: Neo) -> None:
    done = reach(repo, "measured", "--dry-run", check=True)
    assert done.stdout.splitlines() == [
        "evaluated every time  config",
        "evaluated every time  work",
        "runs                  built  not evaluated yet",
        "evaluated every time  measured",
        "runs 1 · may run 0 · up to date 0 · evaluated every time 3",
    ]
    assert (done.stderr, times_built(repo)) == ("", 0)


def test_a_dry_run_after_a_change_has_old_and_new(repo: Neo) -> None:
    reach(repo, "measured", check=True)
    done = reach(repo, "built", "--dry-run", "--set", "built.width=3", check=True)
    assert "runs                  built  parameter width changed: 1 → 3" in done.stdout
    assert times_built(repo) == 1


def test_a_dry_run_is_data_for_machines(repo: Neo) -> None:
    reach(repo, "measured", check=True)
    told = events(reach(repo, "measured", "--dry-run", "--json", "--force", "built", check=True))
    built = next(event for event in told if event.get("state") == "built")
    assert (built["event"], built["would"], built["through"]) == ("preview", "runs", ["work"])
    assert [reason["kind"] for reason in built["reasons"]] == ["forced"]
    counts = {"runs": 1, "may run": 0, "up to date": 0, "evaluated every time": 3}
    assert told[-1] == {"event": "report", "counts": counts}


# ── other processes ──────────────────────────────────────────────────────────────────────────────────

GATED = '''
    from groundup import Config, state


    @state(outputs=["work/gated.txt"])
    def gated(config: Config) -> str:
        """It passes a gate."""
        work = config.root / "work"
        (work / "begun").touch()
        word = (work / "gate").read_text()
        (work / "gated.txt").write_text(word)
        return word
'''


def test_who_waits_for_another_process_says_so_and_then_finds_the_work_done(client: Neo) -> None:
    write(client.repo, "groundup_states.py", GATED)
    gate = client.repo / "work/gate"
    os.mkfifo(gate)
    command = client.module("reach", "gated")
    with Background(command, env=client.env, cwd=client.repo) as first:
        until((client.repo / "work/begun").exists, "the first process at the gate")
        with Background(command, env=client.env, cwd=client.repo) as second:
            second.wait_for_stderr(f"… gated: waiting for process {first.pid}, which evaluates it\n")
            gate.write_text("open")
            assert (first.wait(), second.wait()) == (0, 0)
    assert "Δ gated" in first.stderr
    assert "= gated  up to date" in second.stderr


# ── read-only checkouts ──────────────────────────────────────────────────────────────────────────────


def test_in_a_read_only_checkout_what_is_up_to_date_is_reached(repo: Neo) -> None:
    reach(repo, "measured", check=True)
    words = " ".join(repo.module("reach", "measured"))
    done = in_namespace(f"{read_only(repo.repo)} && {words}", env=repo.env, cwd=repo.repo)
    assert (done.returncode, summary(done)) == (0, "ok 3 · changed 0 · skipped 1 · failed 0 · not run 0")


def test_in_a_read_only_checkout_without_records_what_fails_is_told(repo: Neo) -> None:
    words = " ".join(repo.module("reach", "measured"))
    done = in_namespace(f"{read_only(repo.repo)} && {words}", env=repo.env, cwd=repo.repo)
    assert done.returncode == 1
    assert "✗ built  /" in done.stderr
    assert "Read-only file system" in done.stderr
    assert "  │ building" in done.stderr
