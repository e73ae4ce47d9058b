# mypy: ignore-errors
"""A worker and client written for the protocol's own SDK; runs in an environment that has it, not groundup.

Prints one JSON object: what the SDK returned or raised, by scenario.
"""

import asyncio
import json
import sys
from datetime import timedelta

from exospherehost import (
    BaseNode,
    GraphNodeModel,
    PruneSignal,
    ReQueueAfterSignal,
    RetryPolicyModel,
    RetryStrategyEnum,
    Runtime,
    StateManager,
    StoreConfigModel,
    UnitesModel,
    UnitesStrategyEnum,
)
from pydantic import BaseModel

NAMESPACE = "sdk"
requeues = []


class Text(BaseModel):
    text: str


class Split(BaseNode):
    class Inputs(Text):
        pass

    class Outputs(Text):
        pass

    async def execute(self):
        return [self.Outputs(text=part) for part in self.inputs.text.split()]


class Upper(BaseNode):
    class Inputs(Text):
        pass

    class Outputs(Text):
        pass

    async def execute(self):
        return self.Outputs(text=self.inputs.text.upper())


class Keeper(BaseNode):
    class Outputs(Text):
        pass

    class Secrets(BaseModel):
        token: str

    async def execute(self):
        return self.Outputs(text=self.secrets.token[::-1])


class Quiet(BaseNode):
    async def execute(self):
        return None


class Broken(BaseNode):
    async def execute(self):
        raise ValueError("broken on purpose")


class Pruner(BaseNode):
    async def execute(self):
        raise PruneSignal({"because": "enough"})


class Later(BaseNode):
    async def execute(self):
        requeues.append(1)
        if len(requeues) < 3:
            raise ReQueueAfterSignal(timedelta(milliseconds=20))


NODES = [Split, Upper, Keeper, Quiet, Broken, Pruner, Later]


def step(node, identifier, *following, unites=None, **inputs):
    return GraphNodeModel(
        node_name=node.__name__,
        namespace=NAMESPACE,
        identifier=identifier,
        inputs=inputs,
        next_nodes=list(following),
        unites=unites,
    )


FAST = RetryPolicyModel(max_retries=1, strategy=RetryStrategyEnum.FIXED, backoff_factor=1)
DONE = UnitesModel(identifier="root", strategy=UnitesStrategyEnum.ALL_DONE)
FLOWS = {
    "fan": [
        step(Quiet, "root", "split"),
        step(Split, "split", "upper", text="${{ store.words }}"),
        step(Upper, "upper", "join", text="<${{ split.outputs.text }}>"),
        step(Quiet, "join", unites=DONE),
    ],
    "secrets": [step(Keeper, "a")],
    "errors": [step(Broken, "a")],
    "prune": [step(Pruner, "a", "b"), step(Quiet, "b")],
    "requeue": [step(Later, "a")],
}


async def upsert_when_registered(client, name, nodes):
    """The runtime registers in the background; until then the flow does not fit."""
    for _ in range(100):
        try:
            return await client.upsert_graph(
                name,
                nodes,
                {"token": "abc", "unused": "x"},
                retry_policy=FAST,
                store_config=StoreConfigModel(default_values={"words": "none"}),
            )
        except Exception as error:
            if "does not exist." not in str(error):
                raise
            await asyncio.sleep(0.1)
    raise TimeoutError("the nodes were not registered")


async def refusal(call):
    try:
        await call
    except Exception as error:
        return str(error)


async def main():
    runtime = Runtime(namespace=NAMESPACE, name="sdk-runtime", nodes=NODES, poll_interval=0.05)
    working = runtime.start()
    client = StateManager(namespace=NAMESPACE)
    report = {"runs": {}, "statuses": {}}
    for name, nodes in FLOWS.items():
        graph = await upsert_when_registered(client, name, nodes)
        report["statuses"][name] = graph["validation_status"]
    report["graph"] = await client.get_graph("fan")
    for name in FLOWS:
        answer = await client.trigger(name, inputs={}, store={"words": "a b c"} if name == "fan" else {})
        report["runs"][name] = answer["run_id"]
    report["malformed"] = await refusal(client.upsert_graph("bad", [step(Quiet, "a", "gone")], {}))
    report["unknown"] = await refusal(client.trigger("nowhere"))
    print(json.dumps(report), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    working.cancel()


asyncio.run(main())
