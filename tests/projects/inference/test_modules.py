"""The table of modules: which distribution a module may come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.projects.inference.deciding import Decider
from groundup.projects.inference.errors import Undecided
from groundup.projects.inference.imports import Import
from groundup.projects.inference.index import Indexes
from groundup.projects.inference.modules import DATA, distribution_name, shipped_table
from groundup.projects.inference.settings import Settings, settings_of
from groundup.projects.inference.standard import NEWEST
from tests.support.clients import client

TABLE = shipped_table()


def test_there_are_hundreds_of_rows_each_for_a_module_that_is_renamed() -> None:
    renamed = [module for module, names in TABLE.rows.items() if distribution_name(module) not in names]
    assert len(renamed) >= 400
    single = [names[0] for module, names in TABLE.rows.items() if len(names) == 1]
    assert [module for module, names in TABLE.rows.items() if names == (distribution_name(module),)] == []
    assert len(single) > 400


@pytest.mark.parametrize("table", ["elsewhere", "modules"])
def test_rows_are_sorted(table: str) -> None:
    rows = DATA.read_text(encoding="utf-8").partition(f"[{table}]\n")[2].partition("\n\n")[0].splitlines()
    names = [row.partition(" =")[0].strip('"').lower() for row in rows]
    assert names == sorted(names)


def test_no_module_has_a_row_and_a_reason_against_it() -> None:
    assert TABLE.rows.keys().isdisjoint({*TABLE.elsewhere, *TABLE.private})


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        *[
            ("cv2", "opencv-python"),
            ("sklearn", "scikit-learn"),
            ("PIL", "Pillow"),
            ("bs4", "beautifulsoup4"),
        ],
        *[("dateutil", "python-dateutil"), ("attr", "attrs"), ("serial", "pyserial"), ("jwt", "PyJWT")],
        *[("Crypto", "pycryptodome"), ("google.cloud.pubsub_v1", "google-cloud-pubsub")],
        *[("azure.storage.blob", "azure-storage-blob"), ("zope.interface", "zope-interface")],
        *[("google.cloud.vision_v1p3beta1", "google-cloud-vision"), ("some_module", "some-module")],
    ],
)
def test_candidates(module: str, distribution: str) -> None:
    assert TABLE.candidates(module)[0] == distribution


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (Import("yaml.nodes", 1), ["yaml"]),
        (
            Import("google.cloud", 1, ("storage", "bigquery")),
            ["google.cloud.storage", "google.cloud.bigquery"],
        ),
        (Import("google.cloud.storage.blob", 1, ("Blob",)), ["google.cloud.storage"]),
        (Import("azure.storage.blob.aio", 1), ["azure.storage.blob"]),
        (Import("google", 1, ("auth",)), ["google.auth"]),
        (Import("PySide6", 1, ("QtCharts", "QtCore")), ["PySide6.QtCharts", "PySide6"]),
        (Import("PySide6", 1, ("QtCharts",)), ["PySide6.QtCharts"]),
        (Import("google", 1, ("*",)), ["google"]),
    ],
)
def test_what_an_import_is_about(code: Import, wanted: list[str]) -> None:
    assert TABLE.wanted(code) == wanted


NAMES = st.one_of(
    st.text(min_size=1, max_size=12).filter(str.isidentifier),
    st.sampled_from(sorted({part for row in TABLE.rows for part in row.split(".")})),
)


@given(
    st.lists(NAMES, min_size=1, max_size=4).map(".".join),
    st.lists(NAMES | st.just("*"), max_size=2),
    st.dictionaries(NAMES, st.sampled_from(["", "<2"]), max_size=1),
)
def test_of_any_import_at_least_one_name_is_decided_about(
    module: str, members: list[str], overrides: dict[str, str]
) -> None:
    one = Import(module, 1, tuple(members))
    decider = Decider(TABLE, Indexes(()), NEWEST, overrides=overrides)  # of no index nothing can be had
    wanted = TABLE.wanted(one)
    assert wanted
    for name in wanted:
        decided = decider.decide(name, [one])
        assert isinstance(decided, Undecided) or [found.requirement for found in decided] == [""]


def test_users_add_rows(tmp_path: Path) -> None:
    rows = '[neo.projects]\nmodules = {acme = "acme-suite", yaml = "our-yaml"}\n'
    settings = settings_of(client(tmp_path, neo=rows + 'dependency_overrides = {hid = "hidapi"}\n'))
    assert settings == Settings({"acme": "acme-suite", "yaml": "our-yaml"}, {"hid": "hidapi"})
    table = TABLE.extended({**settings.modules, "apex": "our-apex"})
    assert TABLE.refusal("apex") and not table.refusal("apex")
    assert table.candidates("acme.anything") == ("acme-suite",)
    assert table.candidates("yaml") == ("our-yaml",)
    assert settings.with_overrides({"hid": "hid"}).overrides == {"hid": "hid"}
