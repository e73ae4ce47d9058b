"""The two ways in: `python -I -m groundup` runs a command, the console script asks the kernel first."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import groundup
from groundup import proto_kernel
from tests.support.neo import Neo
from tests.support.process import run_kernel
from tests.support.repositories import write

LIBRARIES = [
    *("asyncio", "dataclasses", "importlib.metadata", "inspect", "networkx"),
    *("pydantic", "random", "rich", "sqlite3", "tomllib", "typer"),
]
IMPORTED = f"""
import sys
from groundup.cli import main
code = main(sys.argv[1:])
print(code, [name for name in {LIBRARIES} if name in sys.modules])
"""


def test_reaching_ready_imports_no_library(neo: Neo) -> None:
    done = neo.run([*neo.python(IMPORTED), "reach", "ready"], check=True)
    assert done.stdout == "0 []\n"


COLLECTED = """
import gc, sys
from pathlib import Path
from groundup.cli import main
code = main(sys.argv[1:])
print(code, gc.isenabled(), Path in gc.get_objects(), gc.get_freeze_count() > 0)
"""


def test_garbage_is_collected_but_what_is_imported_is_left_out(neo: Neo) -> None:
    done = neo.run([*neo.python(COLLECTED), "reach", "ready"], check=True)
    assert done.stdout == "0 True False True\n"


TWENTY = """
    from groundup import command, state


    def make(number):
        def tracked() -> int:
            return number

        needs = [f"tracked{number - 1}"] if number else []
        return state(tracked, name=f"tracked{number}", needs=needs, inputs=["work/*.txt"])


    globals().update({f"tracked{number}": make(number) for number in range(20)})
    command("track", target="tracked19")
"""


def test_reaching_twenty_states_that_are_up_to_date_reads_their_records_and_imports_no_other_library(
    client: Neo,
) -> None:
    write(client.repo, "groundup_states.py", TWENTY)
    command = [*client.python(IMPORTED), "reach", "tracked19"]
    client.run(command, check=True)
    done = client.run(command, check=True)
    assert done.stdout == "0 ['sqlite3']\n"
    assert "changed 0 · skipped 20" in done.stderr


def test_stdout_of_reach_is_empty_and_its_last_line_says_success(neo: Neo) -> None:
    done = neo.run(neo.module("reach", "ready"), check=True)
    assert done.stdout == ""
    tree = done.stderr.splitlines()
    assert tree[0].endswith(str(neo.repo))
    assert tree[1].startswith("└─ ✓ ready")
    assert tree[-1].startswith("SUCCESS: ready in ")


def test_reach_without_names_reaches_the_configured_target(neo: Neo) -> None:
    assert "SUCCESS: ready in" in neo.run(neo.module("reach"), check=True).stderr


@pytest.mark.parametrize("words", [("-q", "ready"), ("ready", "-q"), ("--quiet", "ready")])
def test_quiet_says_nothing(neo: Neo, words: tuple[str, ...]) -> None:
    done = neo.run(neo.module("reach", *words), check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_function_in_the_process_runs_a_command(neo: Neo) -> None:
    code = "import sys\nfrom groundup.cli import main\nprint(main(['reach', 'ready']), sys.argv)"
    assert neo.run([*neo.python(code), "own", "words"], check=True).stdout == "0 ['-c', 'own', 'words']\n"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("reach", "redy"), "there is no state named redy", "did you mean ready?"),
        (("graph", "redy"), "there is no state named redy", "did you mean ready?"),
        (("reahc",), "No such command 'reahc'. Did you mean 'reach'", "--help"),
        (("kernel", "stauts"), "No such command 'stauts'. Did you mean 'status'?", "--help"),
        (("graph", "--form", "tree"), "No such option: --form", "--help"),
        (("graph", "--format", "picture"), "'picture' is not one of", "--help"),
    ],
)
def test_a_mistake_is_told_with_the_nearest_right_thing(
    neo: Neo, words: tuple[str, ...], message: str, hint: str
) -> None:
    done = neo.run(neo.module(*words))
    assert (done.returncode, done.stdout) == (2, "")
    told, hinted = done.stderr.splitlines()
    assert told.startswith("error: ")
    assert message in told
    assert hinted.startswith("hint: ")
    assert hint in hinted


@pytest.mark.parametrize("words", [(), ("--help",), ("kernel",), ("kernel", "--help"), ("reach", "--help")])
def test_help_is_given(neo: Neo, words: tuple[str, ...]) -> None:
    done = neo.run(neo.module(*words), check=True)
    assert "Usage: groundup" in done.stdout


@pytest.mark.parametrize("way", ["module", "script"])
def test_the_version_is_the_packages(neo: Neo, way: str) -> None:
    done = neo.run(getattr(neo, way)("--version"), check=True)
    assert done.stdout == f"groundup {groundup.__version__}\n"


# ── the console script ───────────────────────────────────────────────────────────────────────────────


def test_the_console_script_passes_kernel_commands_on_from_any_folder_below(neo: Neo) -> None:
    below = neo.repo / "docs/examples"
    done = neo.run(neo.script("config", "--json"), cwd=below, check=True)
    assert json.loads(done.stdout)["root"] == str(neo.repo)
    done = neo.run(neo.script("run", "--", "sh", "-c", "pwd; exit 7"), cwd=below)
    assert (done.returncode, done.stdout) == (7, f"{below}\n")


def test_the_console_script_reaches_states_through_the_kernel(neo: Neo) -> None:
    assert "SUCCESS: ready in" in neo.run(neo.script("reach", "ready"), check=True).stderr
    assert "SUCCESS: ready in" in neo.run(neo.script(), check=True).stderr


def test_options_of_the_kernel_stand_before_the_command(neo: Neo) -> None:
    done = neo.run(neo.script("--env", "nowhere", "check"))
    assert done.returncode == 2
    assert "there is no environment 'nowhere'" in done.stderr


def test_without_a_kernel_the_console_script_says_how_to_get_one(neo: Neo, tmp_path: Path) -> None:
    done = neo.run(neo.script("check"), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        f"error: there is no proto_kernel.py in {tmp_path} or above it\n"
        "hint: `groundup init` drops one into this folder\n"
    )


@pytest.mark.parametrize("words", [(), ("-h",), ("--help",)])
def test_without_a_kernel_the_console_script_gives_help(
    neo: Neo, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert "Usage: groundup" in neo.run(neo.script(*words), cwd=tmp_path, check=True).stdout


def test_without_a_kernel_the_users_projects_are_there(neo: Neo, tmp_path: Path) -> None:
    variables = {"GROUNDUP_HOME": str(tmp_path / "groundup")}
    for offline in ([], ["--offline"]):
        command = neo.script(*offline, "project", "list", "--json")
        done = neo.run(command, cwd=tmp_path, check=True, variables=variables)
        assert json.loads(done.stdout) == []


def test_the_package_and_its_kernel_have_one_version() -> None:
    assert proto_kernel.__version__ == groundup.__version__


def test_the_kernels_help_ends_with_the_commands_of_the_package(neo: Neo) -> None:
    done = neo.run(neo.script("--help"), check=True)
    kernel, _, package = done.stdout.partition("--version, -h, --help")
    assert "reboot" in kernel
    assert "quickstart" in package


def test_it_lists_commands_of_the_repository_with_their_source(client: Neo) -> None:
    write(client.repo, "groundup_states.py", TWENTY)
    client.run(
        client.script("run", "--", "true"), check=True
    )  # the first start after a build is not a warm one
    done = client.run(client.script("--help"), cwd=client.repo / "docs", check=True)
    assert re.search(r"track +Reaches tracked19\. \(groundup_states\.py:\d+\)", done.stdout)


@pytest.mark.parametrize(
    ("options", "variables", "is_asked"),
    [([], {}, True), (["--offline"], {}, False), ([], {"GROUNDUP_OFFLINE": "1"}, False)],
)
def test_the_kernel_says_when_the_network_is_not_to_be_used(
    neo: Neo, tmp_path: Path, options: list[str], variables: dict[str, str], is_asked: bool
) -> None:
    script = write(tmp_path, "asks.py", "# /// script\n# dependencies = ['alpha']\n# ///\n")
    nobody = "http://127.0.0.1:9/simple/"
    env = {**neo.env, "UV_DEFAULT_INDEX": nobody, "UV_HTTP_RETRIES": "0", **variables}
    done = run_kernel(neo.repo, *options, "script", "run", str(script), env=env)
    assert done.returncode == 1
    assert (nobody in done.stderr) == is_asked
