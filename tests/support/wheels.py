"""Wheels: tiny ones that are built here, and the real ones that the kernel pins."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from filelock import FileLock

from groundup import proto_kernel
from tests.support.process import clean_env
from tests.support.requirements import require
from tests.support.session import session_folder


def build_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    modules: Mapping[str, str] | None = None,
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    scripts: Mapping[str, str] | None = None,
    python: str = ">=3.6",
    tag: str = "py3-none-any",
) -> Path:
    """Build a wheel in `folder`; return its path.

    `modules` maps paths inside the wheel to their text; without it there is one module with the name of
    the distribution and a `VERSION`. `scripts` maps console scripts to `module:function`. The same
    arguments give the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name.replace('-', '_')}-{version}"
    metadata = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", f"Requires-Python: {python}"]
    metadata += [f"Requires-Dist: {need}" for need in requires]
    for extra, needs in (extras or {}).items():
        metadata += [f"Provides-Extra: {extra}"]
        metadata += [f'Requires-Dist: {need} ; extra == "{extra}"' for need in needs]
    info = f"{stem}.dist-info"
    files = dict(modules or {f"{name.replace('-', '_')}.py": f'VERSION = "{version}"\n'})
    files[f"{info}/METADATA"] = "\n".join(metadata) + "\n"
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n"
    if scripts:
        lines = "".join(f"{script} = {target}\n" for script, target in scripts.items())
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{lines}"
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    return _zip(folder / f"{stem}-{tag}.whl", files)


def _record(files: Mapping[str, str], own: str) -> str:
    lines = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(text.encode())}\n")
    return "".join(lines) + f"{own},,\n"


def _zip(wheel: Path, files: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 2, 2, 0, 0, 0)), text)
    return wheel


def sha256(file: Path) -> str:
    """Return the sha256 of a file, in hex."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def uv_wheel() -> Path:
    """Return the real wheel of the uv that the kernel pins for this platform."""
    pins = {line.split()[0]: line.split()[1:] for line in proto_kernel.UV_WHEELS.strip().splitlines()}
    platform = proto_kernel.platform_key()
    tags, expected = pins[platform]
    many = "manylinux_2_17_X.manylinux2014_X".replace("X", platform.partition("-")[2])
    return download("uv", proto_kernel.UV_VERSION, expected, *_platform_options(tags.replace("MANY", many)))


def repacked_uv(folder: Path, version: str) -> Path:
    """Make a wheel of the real uv that carries another version in its name."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / uv_wheel().name.replace(proto_kernel.UV_VERSION, version)
    with zipfile.ZipFile(uv_wheel()) as original, zipfile.ZipFile(wheel, "w") as copy:
        for member in original.infolist():
            name = member.filename.replace(proto_kernel.UV_VERSION, version)
            copy.writestr(name, original.read(member))
    return wheel


def tomli_wheel() -> Path:
    """Return the real wheel of the tomli that the kernel pins."""
    return download("tomli", proto_kernel.TOMLI_VERSION, proto_kernel.TOMLI_SHA256)


def _platform_options(tags: str) -> list[str]:
    return [option for tag in tags.split(".") for option in ("--platform", tag)]


def download(name: str, version: str, expected: str, *options: str) -> Path:
    """Return the real wheel `name==version`, fetched once per session from the machine's own index.

    `expected` is its sha256; `options` are pip's, such as `--platform`. Without an index the test is
    skipped, or fails where everything is required.
    """
    folder = session_folder() / "wheels" / expected
    with FileLock(f"{_made(folder.parent)}/{expected}.lock"):
        if not any(folder.glob("*.whl")):
            _pip_download(folder, f"{name}=={version}", options)
    (wheel,) = folder.glob("*.whl")
    if sha256(wheel) != expected:
        raise AssertionError(f"{wheel.name}: sha256 {sha256(wheel)}, the kernel pins {expected}")
    return wheel


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _pip_download(folder: Path, requirement: str, options: Sequence[str]) -> None:
    arguments = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder), *options]
    done = subprocess.run(
        [sys._base_executable, "-m", "pip", *arguments, requirement],  # type: ignore[attr-defined]
        env=clean_env(session_folder() / "home"),
        capture_output=True,
        text=True,
        check=False,
    )
    require(done.returncode == 0, f"an index that has {requirement}\n{done.stderr}")
