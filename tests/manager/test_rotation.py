"""A new key for the secrets of flows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from groundup.manager.errors import SecretKeyError
from groundup.manager.operations import flows, rotation
from groundup.manager.secrets import SecretCipher, generate_key
from groundup.manager.store.schema import flow_versions
from groundup.nodes.wire import UpsertGraphRequest
from tests.support.manager import NAMESPACE, Bench, place, registration
from tests.support.managers import KEYS, ManagerProcess

OLD, NEW = generate_key(), generate_key()


@pytest.fixture
def flow(bench: Bench) -> Bench:
    """A flow with a secret under the old key, and a run of it."""
    bench.context.cipher = SecretCipher(OLD)
    bench.register(registration("Node", secrets="token"))
    bench.save(place("a"), secrets={"token": "hidden"})
    bench.trigger()
    return bench


def kept(bench: Bench) -> list[str]:
    """The secrets as they are at rest."""

    def read(connection: Any) -> list[str]:
        documents = connection.execute(select(flow_versions.c.document)).scalars()
        return [text for document in documents for text in document["secrets"].values()]

    return bench.database.read(read)


def test_secrets_stay_readable_while_they_move_to_the_new_key_and_afterwards(flow: Bench) -> None:
    (state,) = flow.claim()
    flow.context.cipher = SecretCipher(NEW, [OLD])
    assert flow.secrets(state.state_id) == {"token": "hidden"}
    before = kept(flow)
    assert [flow.do(rotation.encrypt_anew), flow.do(rotation.encrypt_anew)] == [1, 0]
    assert kept(flow) != before
    flow.context.cipher = SecretCipher(NEW)
    flow.context.flows.clear()
    assert flow.secrets(state.state_id) == {"token": "hidden"}
    flow.do(rotation.check)


def test_a_manager_without_the_key_does_not_start(flow: Bench) -> None:
    flow.context.cipher = SecretCipher(NEW)
    with pytest.raises(SecretKeyError, match="encrypted with another key"):
        flow.do(rotation.check)


def test_secrets_of_earlier_versions_whose_key_was_not_noted(flow: Bench) -> None:
    flow.database.write(
        lambda connection: connection.execute(update(flow_versions).values(key_id=None))
    ).result()
    flow.do(rotation.check)
    assert flow.do(rotation.encrypt_anew) == 1
    assert flow.do(rotation.encrypt_anew) == 0
    (state,) = flow.claim()
    assert flow.secrets(state.state_id) == {"token": "hidden"}


def test_many_flows_move_in_portions(flow: Bench) -> None:
    for number in range(60):
        body = {"secrets": {"token": str(number)}, "nodes": [place("a")]}
        request = UpsertGraphRequest.model_validate(body)
        flow.do(flows.save_flow, NAMESPACE, f"flow{number}", request)
    flow.context.cipher = SecretCipher(NEW, [OLD])
    assert [flow.do(rotation.encrypt_anew) for _ in range(3)] == [50, 11, 0]


def test_a_process_takes_old_keys_from_its_variables(tmp_path: Path) -> None:
    path = tmp_path / "manager.db"
    with ManagerProcess(path, variables={**KEYS, "SECRETS_ENCRYPTION_KEY": OLD}) as process:
        body = {"secrets": {"token": "hidden"}, "nodes": [place("a").model_dump(mode="json")]}
        assert process.api()("PUT", "/v0/namespace/demo/graph/g", body).status == 201
    with ManagerProcess(path, variables={**KEYS, "SECRETS_ENCRYPTION_KEY": NEW}) as process:
        assert process.wait() == 1
    assert "encrypted with another key" in process.stderr
    variables = {**KEYS, "SECRETS_ENCRYPTION_KEY": NEW, "SECRETS_ENCRYPTION_KEYS_OLD": f"{OLD},"}
    with ManagerProcess(path, variables=variables) as process:
        process.wait_for_stderr("every secret is encrypted with the present key")
    with ManagerProcess(path, variables={**KEYS, "SECRETS_ENCRYPTION_KEY": NEW}) as process:
        assert process.uri
