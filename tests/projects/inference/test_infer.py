"""A distribution counts for a module only when the files of its own wheel have the module."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from groundup.errors import GroundupError, UserError
from groundup.projects import generate_requirements
from groundup.projects.inference import Finding, UndecidedImportsError
from groundup.projects.inference.standard import standard_modules
from tests.projects.inference.conftest import Infer
from tests.support.index import IndexServer
from tests.support.users import requiring


def requirements(found: dict[str, Finding]) -> list[str]:
    return sorted({one.requirement for one in found.values() if one.requirement})


@pytest.mark.parametrize(
    ("code", "module", "requirement"),
    [
        ("import yaml", "yaml", "PyYAML"),
        ("from yaml.nodes import Node", "yaml", "PyYAML"),
        ("import cv2 as cv", "cv2", "opencv-python"),
        ("import plain", "plain", "plain"),
        ("import compiled", "compiled", "compiled"),
        ("import placed", "placed", "placed"),
        ("import win32api", "win32api", "pywin32"),
        ("import win32con", "win32con", "pywin32"),
        ("import pylab", "pylab", "matplotlib"),
        ("__import__('yaml')", "yaml", "PyYAML"),
        ("from google.cloud import storage", "google.cloud.storage", "google-cloud-storage"),
        ("import google.cloud.storage.blob", "google.cloud.storage", "google-cloud-storage"),
        ("from google.cloud.bigquery import Client", "google.cloud.bigquery", "google-cloud-bigquery"),
        ("from ruamel.yaml import YAML", "ruamel.yaml", "ruamel-yaml"),
        ("from ruamel import yaml", "ruamel.yaml", "ruamel-yaml"),
        ("from mpl_toolkits.mplot3d import Axes3D", "mpl_toolkits.mplot3d", "matplotlib"),
        ("from mpl_toolkits.basemap import Basemap", "mpl_toolkits.basemap", "basemap"),
        ("from zope.interface import Interface", "zope.interface", "zope-interface"),
        ("import requests.packages.urllib3.exceptions", "requests", "requests"),
        ("import requests.auth", "requests", "requests"),
        ("from six.moves.urllib import parse", "six", "six"),
        ("import acme.billing", "acme.billing", "acme-billing"),
        ("from acme import mail", "acme.mail", "acme-mail"),
        ("import widgets.extra", "widgets.extra", "widgets-extra"),
        ("import spread.analysis", "spread", "spread"),
        ("import spread.analysis.defects", "spread.analysis.defects", "spread-analysis-defects"),
        ("from beam.tools import anything", "beam.tools", "beam-tools"),
        ("import beam.tools.web", "beam.tools.web", "beam-tools-web"),
    ],
)
def test_the_distribution_that_has_the_module(
    inferred: Infer, code: str, module: str, requirement: str
) -> None:
    found = inferred(code)
    assert [(one.module, one.requirement) for one in found.values()] == [(module, requirement)]
    assert ".whl" in found[module].evidence
    assert found[module].version == "1.0"


def test_a_distribution_of_the_table_may_have_its_source_alone(inferred: Infer, index: IndexServer) -> None:
    found = inferred("import ldap")["ldap"]
    assert (found.requirement, found.version) == ("python-ldap", "3.0")
    assert found.evidence == "ldap/__init__.py in python_ldap-3.0.tar.gz"
    asked = len(index.requests)
    assert requirements(inferred("import ldap, six")) == ["python-ldap", "six"]
    assert sum(request.path.endswith(".tar.gz") for request in index.requests[asked:]) == 0


def test_several_modules_of_a_shared_package_come_from_several_distributions(inferred: Infer) -> None:
    found = inferred("from google.cloud import storage, bigquery\nimport acme.billing, acme.mail\n")
    assert requirements(found) == [
        *("acme-billing", "acme-mail"),
        *("google-cloud-bigquery", "google-cloud-storage"),
    ]


def test_evidence_names_the_file(inferred: Infer) -> None:
    assert inferred("import yaml")["yaml"].evidence == "yaml/__init__.py in PyYAML-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    "code",
    [
        "from os.path import join",
        "from concurrent.futures import ThreadPoolExecutor",
        "import tomllib, xml.etree.ElementTree, winreg, __main__",
        "from __future__ import annotations",
        "try:\n    import simplejson as json\nexcept ImportError:\n    import json",
        "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib",
        "import sys\nif sys.version_info < (3, 11):\n    import tomli",
        "if TYPE_CHECKING:\n    import nobody_has_this",
    ],
)
def test_what_python_has_needs_nothing_and_nobody_is_asked(
    inferred: Infer, index: IndexServer, code: str
) -> None:
    assert inferred(code) == {}
    assert index.requests == []


@pytest.mark.parametrize("python", [">=3.8", "==3.10.*"])
def test_what_another_python_lacks_is_required(inferred: Infer, python: str) -> None:
    code = requiring(python=python) + "try:\n    import tomllib\nexcept ImportError:\n    import tomli\n"
    assert requirements(inferred(code)) == (["tomli"] if "3.10" in python else [])


def test_modules_that_left_the_standard_library(inferred: Infer) -> None:
    assert inferred(requiring(python="==3.12.*") + "import imghdr\n") == {}
    newer = inferred(requiring(python="==3.13.*") + "import imghdr\n")
    assert requirements(newer) == ["standard-imghdr"]


def test_the_standard_library_of_each_version() -> None:
    assert "tomllib" in standard_modules((3, 11))
    assert "tomllib" not in standard_modules((3, 10))
    assert {"distutils", "asyncore"} <= standard_modules((3, 11))
    assert standard_modules((3, 12)).isdisjoint({"distutils", "asyncore"})
    assert "cgi" in standard_modules((3, 12)) - standard_modules((3, 13))
    assert "annotationlib" in standard_modules((3, 14)) - standard_modules((3, 13))
    assert "formatter" in standard_modules((3, 9)) - standard_modules((3, 10))
    assert "graphlib" in standard_modules((3, 9)) - standard_modules((3, 8))


def test_modules_beside_the_script(inferred: Infer, home: Path) -> None:
    (home / "plain.py").touch()
    (home / "package").mkdir()
    (home / "package/__init__.py").touch()
    (home / "loose").mkdir()
    (home / "loose/part.py").touch()
    (home / "native.cpython-311-x86_64-linux-gnu.so").touch()
    (home / "yaml").mkdir()  # a folder without modules is none
    code = "import plain, package.sub, loose.part, native, yaml"
    assert requirements(inferred(code, path=home / "script.py")) == ["PyYAML"]


def test_code_that_is_in_no_file_has_nothing_beside_it(inferred: Infer, home: Path) -> None:
    (home / "plain.py").touch()
    assert requirements(inferred("import plain")) == ["plain"]


def test_the_first_alternative_that_can_be_had(inferred: Infer) -> None:
    form = "try:\n    import {}\nexcept ImportError:\n    import {}\n"
    assert requirements(inferred(form.format("plain", "yaml"))) == ["plain"]
    assert requirements(inferred(form.format("nobody_has_this", "yaml"))) == ["PyYAML"]


def test_optional_imports_are_left_out(inferred: Infer) -> None:
    assert inferred("try:\n    import plain\nexcept ImportError:\n    plain = None\n") == {}


def test_an_optional_import_that_is_declared_is_there(inferred: Infer) -> None:
    code = "try:\n    import plain\nexcept ImportError:\n    plain = None\n"
    assert inferred(code, present=("plain>=1",))["plain"].evidence == "declared: --with"


def test_an_optional_import_that_is_needed_elsewhere_is_required(inferred: Infer) -> None:
    code = "try:\n    import plain\nexcept ImportError:\n    plain = None\ndef f():\n    import plain\n"
    assert requirements(inferred(code)) == ["plain"]


def undecided(inferred: Infer, code: str) -> UndecidedImportsError:
    with pytest.raises(UndecidedImportsError) as caught:
        inferred(code)
    return caught.value


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import nobody_has_this", "nobody_has_this: .*nobody-has-this is not on the index"),
        ("import empty", "empty: .*empty 1.0 does not contain it"),
        ("import onlysource", "onlysource: .*onlysource has no wheel"),
        ("import cups", "cups: .*pycups 2.0 has no wheel, and its source has no such file"),
        ("import moving", "moving: .*moving 2.0 does not contain it"),
        ("import requests_auth.nothing", "requests_auth: "),
        ("import google.cloud.nothing", "google.cloud.nothing: .*not on the index"),
        ("import hid", "hid: several provide it: hidapi 1.0, hid 1.0"),
        ("import google", "google: several distributions share it"),
        ("import naïve", "naïve: .*none can have its name"),
        ("import __, naïve.x", "__: .*none can have its name"),
        ("import beam.tools.nothing", "beam: no distribution is known to provide it"),
        ("import utils", "utils: programs name modules of their own so"),
        ("from apex.parallel import Reducer", "apex: it comes with NVIDIA's Apex"),
    ],
)
def test_none_or_several_is_an_error_with_the_candidates(inferred: Infer, code: str, reason: str) -> None:
    error = undecided(inferred, f"\n{code}\n")
    assert error.args[0].startswith("<script>:2: ")
    assert re.search(reason, str(error)), error
    assert "dependency_overrides" in error.hint
    assert "--with" in error.hint
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("code", "candidates"),
    [
        ("import hid", ("hidapi", "hid")),
        ("import onlysource", ("onlysource",)),
        ("import cups", ("pycups",)),
        ("import nobody_has_this", ()),  # somebody might take that name, and wait
        ("import empty", ()),
        ("import utils", ()),
    ],
)
def test_no_distribution_is_proposed_that_is_not_there(
    inferred: Infer, code: str, candidates: tuple[str, ...]
) -> None:
    error = undecided(inferred, code)
    assert error.undecided[0].candidates == candidates
    name = candidates[0] if candidates else "DISTRIBUTION"
    assert f"--with {name};" in error.hint


def test_a_name_that_is_refused_can_be_decided(inferred: Infer) -> None:
    assert requirements(inferred("import utils", present=("utils",))) == []
    assert requirements(inferred("import apex", overrides={"apex": "apex"})) == ["apex"]


def test_all_that_is_undecided_is_told_at_once(inferred: Infer) -> None:
    error = undecided(inferred, "import hid\nimport plain\nimport nobody\n")
    assert [one.module for one in error.undecided] == ["hid", "nobody"]
    assert error.undecided[0].candidates == ("hidapi", "hid")
    assert [line.partition(":")[2][0] for line in str(error).splitlines()] == ["1", "3"]


def test_what_left_the_standard_library_without_a_successor_says_so(inferred: Infer) -> None:
    error = undecided(inferred, requiring(python="==3.12.*") + "import imp\n")
    assert "Python 3.12 removed it from the standard library" in str(error)
    error = undecided(inferred, requiring(python="==3.10.*") + "import tomllib\n")
    assert "part of Python from 3.11 on" in str(error)


@pytest.mark.parametrize(
    ("override", "expected"),
    [("hid", ["hid"]), ("hidapi>=1", ["hidapi>=1"]), ("whatever==9", ["whatever==9"]), ("", [])],
)
def test_an_override_decides(inferred: Infer, override: str, expected: list[str]) -> None:
    assert requirements(inferred("import hid", overrides={"hid": override})) == expected


def test_an_override_of_versions_alone_keeps_the_distribution(inferred: Infer) -> None:
    found = inferred("import moving", overrides={"moving": "<2"})
    assert [(one.requirement, one.version) for one in found.values()] == [("moving<2", "1.0")]


def test_an_override_counts_for_what_is_below(inferred: Infer) -> None:
    code = "from google.cloud import nothing\nimport google.cloud.storage\n"
    found = inferred(code, overrides={"google.cloud": "own-bundle"})
    assert requirements(found) == ["own-bundle"]


@pytest.mark.parametrize("override", ["-r x", "!", ">=", "two words"])
def test_an_override_that_is_no_requirement(inferred: Infer, override: str) -> None:
    with pytest.raises(UserError, match=rf"dependency_overrides\['hid'\]: '{override}' is not a valid"):
        inferred("import hid", overrides={"hid": override})


@pytest.mark.parametrize(
    ("present", "code"),
    [
        ("opencv-python-headless", "import cv2"),  # by its files
        ("OnlySource>=1", "import onlysource"),  # by its name: there are no files to look into
        ("hid", "import hid"),
        ("setuptools<81", "import pkg_resources"),
        ("plain @ https://example.org/plain-1.0-py3-none-any.whl", "import plain"),
    ],
)
def test_what_is_declared_is_not_inferred_again(inferred: Infer, present: str, code: str) -> None:
    assert requirements(inferred(code, present=(present,))) == []
    assert requirements(inferred(requiring(present) + code)) == []


def test_a_row_may_say_which_releases(inferred: Infer) -> None:
    found = inferred("import pkg_resources")["pkg_resources"]
    assert (found.requirement, found.version) == ("setuptools<81", "80.0")


def test_releases_before_the_final_one_do_not_count(inferred: Infer) -> None:
    assert inferred("import early")["early"].version == "1.0"


def test_the_block_comes_first_then_what_is_imported(home: Path) -> None:
    script = home / "script.py"
    script.write_text(requiring("opencv-python-headless", "six") + "import cv2\nimport yaml, plain\n")
    assert generate_requirements(script) == ["opencv-python-headless", "six", "plain", "PyYAML"]
    assert generate_requirements(b"import hid", dependency_overrides={"hid": "hid"}) == ["hid"]


def test_bad_blocks_are_told_before_anything_is_asked(home: Path, index: IndexServer) -> None:
    with pytest.raises(UserError, match=":5: more than one"):
        generate_requirements((requiring("a") + "\n" + requiring("b") + "import yaml\n").encode())
    with pytest.raises(UserError, match=r"<script>:2: .* not valid TOML"):
        generate_requirements(b"# /// script\n# dependencies = [\n# ///\nimport yaml\n")
    assert index.requests == []


def test_the_same_question_is_answered_without_network(home: Path, index: IndexServer) -> None:
    assert generate_requirements(b"import yaml, plain") == ["plain", "PyYAML"]
    asked = len(index.requests)
    assert generate_requirements(b"# changed elsewhere\nimport plain\nimport yaml\n") == ["plain", "PyYAML"]
    assert len(index.requests) == asked
    assert generate_requirements(b"import six, yaml") == ["PyYAML", "six"]
    assert len(index.requests) > asked


def test_offline_only_what_is_known(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert generate_requirements(b"import yaml") == ["PyYAML"]
    monkeypatch.setenv("UV_OFFLINE", "1")
    assert generate_requirements(b"import yaml") == ["PyYAML"]
    with pytest.raises(GroundupError, match="offline"):
        generate_requirements(b"import plain")
