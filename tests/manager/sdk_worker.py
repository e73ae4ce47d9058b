# mypy: ignore-errors
"""A worker and client written for the protocol's own SDK; runs in an environment that has it, not groundup.

Prints one JSON object: what the SDK returned or raised, by scenario.
"""

import asyncio
import json
import sys
import time
from datetime import timedelta
from typing import Annotated

from exospherehost import (
    VERSION,
    BaseNode,
    CronTrigger,
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
from pydantic import BaseModel, Field

NAMESPACE = "sdk"
requeues = []
odd = []


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


class Odd(BaseNode):
    class Outputs(Text):
        pass

    async def execute(self):
        odd.append(1)
        if len(odd) == 1:
            raise ValueError("only the first time")
        return []


class Picky(BaseNode):
    class Inputs(BaseModel):
        text: Annotated[str, Field(min_length=100)]

    async def execute(self):
        raise AssertionError("its inputs never fit")


NODES = [Split, Upper, Keeper, Quiet, Broken, Pruner, Later, Odd, Picky]


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
ALL = UnitesModel(identifier="split")
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
    "again": [step(Odd, "a", "b"), step(Quiet, "b")],
    "picky": [step(Picky, "a", text="other")],
    "success": [
        step(Split, "split", "one", "two", text="a b"),
        step(Upper, "one", "join", text="${{ split.outputs.text }}"),
        step(Quiet, "two", "join"),
        step(Quiet, "join", unites=ALL),
    ],
    "failed": [
        step(Split, "split", "one", "two", text="a b"),
        step(Quiet, "one", "join"),
        step(Broken, "two", "join"),
        step(Quiet, "join", unites=ALL),
    ],
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


async def changed(client):
    """A flow saved anew, with other identifiers and inputs that name them."""
    flow = [step(Split, "a", "b", text="x"), step(Upper, "b", text="${{ a.outputs.text }}")]
    await client.upsert_graph("changed", flow, {})
    other = [step(Split, "c", "d", text="y"), step(Upper, "d", text="${{ c.outputs.text }}!")]
    saved = await client.upsert_graph(
        "changed", other, {}, store_config=StoreConfigModel(required_keys=["k"])
    )
    without = await refusal(client.trigger("changed"))
    run = await client.trigger("changed", inputs={"text": "z"}, store={"k": "v"})
    return {"status": saved["validation_status"], "without": without, "run": run["run_id"]}


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
    began = time.time()
    report["delayed"] = (await client.trigger("prune", start_delay=300))["run_id"], int(began * 1000)
    report["changed"] = await changed(client)
    report["timed"] = await client.upsert_graph(
        "timed", [step(Quiet, "a")], {}, triggers=[CronTrigger(expression="0 9 * * MON")]
    )
    invalid = step(Quiet, "a").model_copy(update={"node_name": "Nobody"})
    report["invalid"] = await refusal(client.upsert_graph("invalid", [invalid], {}))
    report["missing"] = await refusal(client.get_graph("nowhere"))
    report["cron"] = await refusal(
        client.upsert_graph("bad", [step(Quiet, "a")], {}, triggers=[CronTrigger(expression="H * * * *")])
    )
    report["version"] = VERSION
    report["malformed"] = await refusal(client.upsert_graph("bad", [step(Quiet, "a", "gone")], {}))
    report["unknown"] = await refusal(client.trigger("nowhere"))
    print(json.dumps(report), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    working.cancel()


asyncio.run(main())
