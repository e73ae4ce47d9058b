"""``language list`` and ``language check``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup.cli import main
from groundup.errors import UserError
from groundup.execution.languages.checking import check_language
from groundup.execution.languages.runtime import command_runtime
from groundup.execution.languages.settings import languages_of
from tests.support.clients import client as configuration
from tests.support.languages import configured, write_language
from tests.support.neo import Neo


def test_what_is_built_in_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["language", "list"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("python3  Python: calls a function of a file; ")
    assert line.endswith("(built in)")


def test_languages_of_the_configuration(client: Neo, tmp_path: Path) -> None:
    home = {"GROUNDUP_HOME": str(tmp_path)}
    with configured(client, "echo", "work/echo") as folder:
        write_language(folder, {"description": "Echoes"}, install="exit 5")
        listed = json.loads(client.run(client.module("language", "list", "--json"), variables=home).stdout)
        assert [(row["language"], row["description"], row["built_in"]) for row in listed][1:] == [
            ("echo", "Echoes", False)
        ]
        checked = client.run(client.module("language", "check", "echo"), variables=home)
        assert checked.returncode == 1
        assert checked.stdout.startswith("✗ echo  install of echo failed with exit code 5; it wrote nothing")
        write_language(folder, {"description": "Echoes"})
        checked = client.run(client.module("language", "check", "echo", "--json"), variables=home)
        assert checked.returncode == 0
        assert json.loads(checked.stdout) == [{"language": "echo", "ok": True, "problem": ""}]
        (folder / "install").write_text("#!/no/such/interpreter\n")
        checked = client.run(client.module("language", "check", "--json"), variables=home)
        assert checked.returncode == 1
        assert [row["ok"] for row in json.loads(checked.stdout)] == [True, False]
        problem = json.loads(checked.stdout)[1]["problem"]
        assert problem.startswith("cannot start ")
        assert f"{folder}/install" in problem
        unknown = client.run(client.module("language", "check", "ecko"), variables=home)
        assert unknown.stderr.splitlines()[-2:] == [
            "error: there is no language 'ecko'; there are: echo, python3",
            "hint: did you mean 'echo'?",
        ]
        (folder / "run").unlink()
        checked = client.run(client.module("language", "check", "echo"), variables=home)
        assert checked.returncode == 1
        assert f"there is no file {folder}/run" in checked.stdout


def test_a_language_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["language", "check", "pyton3"]) == 2
    assert "there is no language 'pyton3'" in capsys.readouterr().err


def test_a_check_installs_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDUP_HOME", str(tmp_path / "groundup"))
    folder = write_language(tmp_path / "lang", install=f'echo >> "{tmp_path}/installed"')
    for _ in range(2):
        assert check_language("lang", folder, command_runtime("host")) == ""
    assert (tmp_path / "installed").read_text() == "\n"


def test_folders_are_relative_to_root(tmp_path: Path) -> None:
    config = configuration(tmp_path, neo='[neo.languages]\nshell = "tools/shell"\nnode = "/opt/node"\n')
    assert languages_of(config) == {"shell": tmp_path / "tools/shell", "node": Path("/opt/node")}
    assert languages_of(configuration(tmp_path)) == {}
    with pytest.raises(UserError, match=r"groundup\.toml:3: neo\.languages must be a folder"):
        languages_of(configuration(tmp_path, neo="[neo]\nlanguages = []\n"))
