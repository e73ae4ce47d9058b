"""Each state alone, and a run of all of them."""

import shutil
import subprocess
from pathlib import Path

import pytest
from groundup import UserError
from groundup.dag.testing import reach

import groundup_states as states

REPOSITORY = Path(states.__file__).parent
MODULE = '''"""Generated from spec.toml."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Parcel:
    """What is sent."""

    weight: Decimal
    label: str | None = None
'''


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with a specification of its own."""
    (tmp_path / "spec.toml").write_text(
        'records.Parcel.about = "What is sent."\n'
        'records.Parcel.fields.label = { type = "text", about = "On top.", optional = true }\n'
        'records.Parcel.fields.weight = { type = "amount", about = "In kilograms." }\n'
    )
    shutil.copy(REPOSITORY / "check_models.py", tmp_path)
    return tmp_path


def test_a_module_is_generated(repo: Path) -> None:
    module = reach(states.models_module, states=[states.specification], overrides={"repo_root": repo})
    assert module.read_text() == MODULE


def test_a_page_is_generated(repo: Path) -> None:
    page = reach(states.models_page, states=[states.specification], overrides={"repo_root": repo})
    assert "| `label` | text, optional | On top. |" in page.read_text().splitlines()


def test_what_is_generated_passes_its_check(repo: Path) -> None:
    real = [states.specification, states.models_module, states.models_page, states.models_checked]
    folder = reach(states.generated, states=real, overrides={"repo_root": repo})
    assert sorted(file.name for file in folder.iterdir()) == ["models.md", "models.py"]


def test_a_module_that_cannot_be_imported_does_not_pass(repo: Path) -> None:
    (repo / "broken.py").write_text("class Parcel\n")
    with pytest.raises(subprocess.CalledProcessError):
        reach(states.models_checked, overrides={"repo_root": repo, "models_module": repo / "broken.py"})


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("records = 1", "records: Input should be a valid dictionary"),
        ("records.A = { about = '', fields.b = { type = 'float', about = '' } }", "records.A.fields.b.type"),
        ("records =", "Invalid value"),
    ],
)
def test_a_wrong_specification_is_told_with_its_file(repo: Path, text: str, wrong: str) -> None:
    (repo / "spec.toml").write_text(text)
    with pytest.raises(UserError, match=wrong) as told:
        reach(states.specification, overrides={"repo_root": repo})
    assert str(told.value).startswith(str(repo / "spec.toml"))
