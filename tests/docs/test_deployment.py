"""The files for Compose and Kubernetes are what these take, run what there is, and give nothing away."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from groundup.cli.app import app
from groundup.manager import serving
from groundup.nodes import address
from groundup.projects.uv import find_uv, uv_environment
from tests.docs.pages import CHECKOUT
from tests.support.process import interpreters
from tests.support.requirements import require

FOLDER = CHECKOUT / "docs/examples/deployment"
COMPOSE, KUBERNETES = FOLDER / "compose.yaml", FOLDER / "kubernetes.yaml"
LINTERS = ("check-jsonschema==0.39.0", "kubernetes-validate==1.37.0")
DIGEST = re.compile(r"[\w./-]+(:[\w.-]+)?@sha256:[0-9a-f]{64}")
SECRET = re.compile(r"KEY|SECRET|PASSWORD")
GIVEN = re.compile(r"\$\{(\w+):\?[^}]+\}")
OWN = ("manager", "worker")


@pytest.fixture(scope="module")
def linters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs that check files against the published schemas."""
    python = interpreters().get("3.12") or interpreters().get("3.13")
    require(python, "Python 3.12 or 3.13")
    venv = tmp_path_factory.mktemp("linters") / "venv"
    uv, environment = find_uv(), uv_environment(os.environ)
    for command in (
        ["venv", "--python", str(python), str(venv)],
        ["pip", "install", "-p", str(venv), *LINTERS],
    ):
        subprocess.run([uv, "--quiet", *command], env=environment, check=True)
    return venv / "bin"


def check(linters: Path, file: Path) -> str:
    """What the linter of a file says; "" where it has nothing to say."""
    compose = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec"]
    program, *options = (
        compose if "compose" in file.name else ["kubernetes-validate", "--strict", "-k", "1.37"]
    )
    done = subprocess.run([linters / program, *options, file], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return found


def resources(kind: str) -> Iterator[dict[str, Any]]:
    for document in yaml.safe_load_all(KUBERNETES.read_text(encoding="utf-8")):
        if document["kind"] == kind:
            yield document


def pods() -> dict[str, dict[str, Any]]:
    """The pods of the deployments by name."""
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in resources("Deployment")}


def containers() -> dict[str, dict[str, Any]]:
    return {name: container for name, pod in pods().items() for container in pod["containers"]}


@pytest.mark.parametrize("file", [COMPOSE, KUBERNETES], ids=lambda file: file.name)
def test_they_are_what_the_published_schemas_say(linters: Path, file: Path) -> None:
    assert check(linters, file) == ""


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        (COMPOSE, "read_only: true", "readonly: true"),
        (KUBERNETES, "periodSeconds: 5", "periodSeconds: often"),
    ],
)
def test_a_mistake_in_them_is_found(
    linters: Path, tmp_path: Path, file: Path, right: str, wrong: str
) -> None:
    changed = tmp_path / file.name
    changed.write_text(file.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")
    assert re.search("readonly|often", check(linters, changed))


@pytest.mark.parametrize("name", OWN)
def test_their_commands_are_commands_of_groundup(name: str) -> None:
    root = typer.main.get_command(app)
    for command, *words in (services()[name]["command"], containers()[name]["args"]):
        group: Any = root
        typed = [word.replace("$(DATABASE)", "x.db") for word in words]
        context = group.commands[command].make_context(command, typed)
        assert (context.info_name, context.args) == (command, [])


def test_their_variables_are_those_that_are_read() -> None:
    known = {value for name, value in vars(serving).items() if name.endswith("_VARIABLE")}
    known |= {address.URI_VARIABLE, address.KEY_VARIABLE, "PGPASSWORD"}
    for name in OWN:
        assert set(services()[name]["environment"]) <= known
        assert {each["name"] for each in containers()[name]["env"]} <= known | {"DATABASE"}


def test_images_are_named_by_digest() -> None:
    images = re.findall(r"(?m)^FROM (\S+)", (FOLDER / "Dockerfile").read_text(encoding="utf-8"))
    images += [container["image"] for container in containers().values()]
    images += [each["image"] for each in services().values() if not GIVEN.fullmatch(each["image"])]
    assert len(images) == 4
    assert [image for image in images if not DIGEST.fullmatch(image)] == []
    for name in OWN:
        assert "by digest" in services()[name]["image"]


def test_nothing_secret_stands_in_them() -> None:
    for service in services().values():
        for name, value in service["environment"].items():
            assert not SECRET.search(name) or GIVEN.fullmatch(value), name
    for container in containers().values():
        for variable in container["env"]:
            assert not SECRET.search(variable["name"]) or "secretKeyRef" in variable["valueFrom"]
    assert list(resources("Secret")) == []
    assert not re.search(r"://[^\s/@:]+:[^\s/@]+@", COMPOSE.read_text(encoding="utf-8"))


def test_containers_have_no_rights_that_they_do_not_need() -> None:
    for service in services().values():
        assert int(service["user"].partition(":")[0]) > 0
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "ports" not in service
    for pod in pods().values():
        assert_restricted(pod["securityContext"], pod["containers"])
        assert pod["automountServiceAccountToken"] is False


def assert_restricted(pod: Mapping[str, Any], containers: list[dict[str, Any]]) -> None:
    """As the standard `restricted` for pods asks for, and with a read-only root."""
    assert pod["runAsNonRoot"] is True and pod["runAsUser"] > 0
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_everything_is_probed_limited_and_given_time_to_end() -> None:
    assert all("healthcheck" in service and "mem_limit" in service for service in services().values())
    for container in containers().values():
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["port"] in {each["name"] for each in container["ports"]}
        assert "memory" in container["resources"]["limits"]
    grace = re.compile(r"--grace-period=(\d+)")
    for words, given in (
        (services()["worker"]["command"], int(services()["worker"]["stop_grace_period"].rstrip("s"))),
        (containers()["worker"]["args"], pods()["worker"]["terminationGracePeriodSeconds"]),
    ):
        (seconds,) = grace.findall(" ".join(words))
        assert given > int(seconds)
