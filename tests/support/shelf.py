"""An index whose distributions claim modules rightly and wrongly, and a user with nothing in the cache."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index import IndexServer
from tests.support.process import clean_env
from tests.support.users import become_user
from tests.support.wheels import build_wheel


def build_shelf(folder: Path) -> None:
    """Build the wheels that the tests of inference look into."""
    modules = {
        "PyYAML": ["yaml/__init__.py"],
        "yaml": ["yaml/__init__.py"],  # named like the module, and not what is meant
        "opencv-python": ["cv2/__init__.py", "cv2/cv2.abi3.so"],
        "opencv-python-headless": ["cv2/__init__.py", "cv2/cv2.abi3.so"],
        "plain": ["plain.py"],
        "compiled": ["compiled.cpython-312-x86_64-linux-gnu.so"],
        "placed": ["placed-1.0.data/purelib/placed/__init__.py", "placed-1.0.data/scripts/other.py"],
        "empty": ["something_else.py"],
        "google-cloud-storage": ["google/cloud/storage/__init__.py", "google/cloud/storage/blob.py"],
        "google-cloud-bigquery": ["google/__init__.py", "google/cloud/bigquery/__init__.py"],
        "google": ["google/__init__.py", "googlesearch.py"],  # claims what it shares
        "ruamel-yaml": ["ruamel/yaml/__init__.py"],
        "matplotlib": ["matplotlib/__init__.py", "pylab.py", "mpl_toolkits/mplot3d/__init__.py"],
        "basemap": ["mpl_toolkits/basemap/__init__.py"],
        "zope-interface": ["zope/interface/__init__.py"],
        "acme-billing": ["acme/billing/__init__.py"],
        "acme-mail": ["acme/__init__.py", "acme/mail.py"],
        "widgets": ["widgets/__init__.py"],
        "widgets-extra": ["widgets/extra/__init__.py"],
        "requests": ["requests/__init__.py", "requests/packages.py", "requests/auth.py"],
        "spread": ["spread/core/__init__.py", "spread/analysis/__init__.py"],  # nobody's alone
        "spread-analysis-defects": ["spread/analysis/defects/__init__.py"],
        "beam-tools": ["beam/tools/__init__.py"],
        "beam-tools-web": ["beam/tools/web.py"],
        "utils": ["utils/__init__.py"],
        "apex": ["apex/__init__.py"],
        "requests-auth": ["requests_auth/__init__.py"],
        "six": ["six.py"],
        "tomli": ["tomli/__init__.py"],
        "hidapi": ["hid.cpython-312-x86_64-linux-gnu.so"],
        "hid": ["hid/__init__.py"],
        "pywin32": ["pywin32.pth", "win32/win32api.pyd", "win32/lib/win32con.py", "pythoncom.py"],
        "standard-imghdr": ["imghdr.py"],
    }
    for name, paths in modules.items():
        build_wheel(folder, name, modules=dict.fromkeys(paths, "") | _pth(paths))
    build_wheel(folder, "setuptools", "80.0", modules={"setuptools.py": "", "pkg_resources/__init__.py": ""})
    build_wheel(folder, "setuptools", "82.0", modules={"setuptools.py": ""})
    build_wheel(folder, "moving", "1.0", modules={"moving.py": ""}, python=">=3.8")
    build_wheel(folder, "moving", "2.0", modules={"moved.py": ""})
    build_wheel(folder, "early", "1.0")
    build_wheel(folder, "early", "2.0rc1")
    (folder / "onlysource-1.0.tar.gz").write_bytes(b"")
    build_source(folder, "python_ldap-3.0.tar.gz", ["setup.py", "Lib/ldap/__init__.py", "Tests/cups.py"])
    build_source(folder, "python_ldap-4.0rc1.tar.gz", [])
    build_source(folder, "pycups-2.0.tar.gz", ["cups.c", "Tests/cups.py"])
    (folder / "pyalsaaudio-1.0.tar.gz").write_bytes(b"no archive")


def build_source(folder: Path, filename: str, paths: list[str]) -> None:
    """Build a source archive of empty files."""
    top = filename.removesuffix(".tar.gz")
    with tarfile.open(folder / filename, "w:gz") as archive:
        for path in paths:
            archive.addfile(tarfile.TarInfo(f"{top}/{path}"))


def _pth(paths: list[str]) -> dict[str, str]:
    return {path: "# folders\nwin32\nwin32\\lib\nimport os\n" for path in paths if path.endswith(".pth")}


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels."""
    folder = tmp_path_factory.mktemp("shelf")
    build_shelf(folder)
    return folder


@pytest.fixture
def index(shelf: Path) -> Iterator[IndexServer]:
    """An index that gives parts of files, with no request so far."""
    with IndexServer(shelf, ranges="all") as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, index: IndexServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of a fresh user of `index`, in this process."""
    env = clean_env(tmp_path / "home", UV_DEFAULT_INDEX=index.url, GROUNDUP_HOME=str(tmp_path / "groundup"))
    become_user(env, monkeypatch)
    return tmp_path / "home"
