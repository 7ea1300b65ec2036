"""`hyperrl describe AGENT FAMILY`: what the pair costs, and what its alternatives would cost."""

from typing import TYPE_CHECKING

from hyperrl.cli import console, streams
from hyperrl.garbage import collection_paused

if TYPE_CHECKING:
    from hyperrl.analysis.alternatives import Alternative, Comparison
    from hyperrl.analysis.cost import Cost


def describe(agent: str, family: str, overrides: list[str], as_json: bool) -> None:
    """Measure and print the cost of an agent on a family."""
    from hyperrl.cli.recipe import load_pair

    with streams.stdout_to_stderr(as_json):
        recipe, tasks = load_pair(agent, family, overrides)
        with collection_paused():
            from hyperrl.analysis.alternatives import compare

        comparison = compare(recipe, tasks)
    if as_json:
        console.json_object(comparison.to_json())
    else:
        _print(comparison)


def _print(comparison: "Comparison") -> None:
    own = next(choice for choice in comparison.alternatives if choice.own)
    console.prose(f"{comparison.agent} on {comparison.family} ({own.name})")
    batch = f"{console.count(comparison.rows, 'row')} of {console.count(comparison.tasks, 'task')}"
    for title, lines in _sections(comparison.own, batch).items():
        console.heading(title)
        console.table(["", "number", "what"], lines, numbers=["number"])
    console.heading("Per choice, all else equal (* this agent's)")
    columns = ["choice", "params", "codes", "cached", "uncached", "batch", "state", "saved"]
    console.table(columns, map(_row, comparison.alternatives), numbers=columns[1:])
    for choice in comparison.alternatives:
        if choice.cost is None:
            console.line(f"{choice.name}: {choice.why_not}")
    console.line()
    console.prose(
        "FLOPs are counted while the real networks run: matrix products and convolutions, forward and"
        " backward, with a multiplication and an addition as two operations; elementwise work is left out."
        " The rows of a minibatch belong to as many training tasks as a rollout has episodes of full length"
        " (off policy: to all). Per choice: params are all parameters; codes are the numbers generated for a"
        " task; cached and uncached are FLOPs of an action with weights from the cache and with newly"
        " generated ones; batch are FLOPs of a minibatch; state is the memory of parameters and optimizer,"
        " saved that of a minibatch's activations."
    )


def _sections(cost: "Cost", batch: str) -> dict[str, list[tuple[str, str, str]]]:
    parameters, flops, memory = cost.parameters, cost.flops, cost.memory
    counts = [
        ("generator", parameters.generator, "the hypernetwork without its heads"),
        ("heads", parameters.heads, "the last layer of the hypernetwork, which generates"),
        ("shared", parameters.shared, "factors and layers that all tasks share"),
        ("networks", parameters.networks, "actor and critic, nothing generated"),
        ("rest", parameters.rest, "features extractor, LSTMs, spread of actions"),
        ("targets", parameters.targets, "copies that follow the learned ones"),
        ("total", parameters.total, "of the policy" if parameters.targets else "trained"),
    ]
    return {
        "Parameters": [(name, f"{count:,}", what) for name, count, what in counts if count],
        "Networks of one task": [
            ("actor", f"{cost.actor:,}", "weights and biases"),
            ("critic", f"{cost.critic:,}", "weights and biases"),
            ("generated", f"{cost.generated:,}", "outputs of the hypernetwork that make the weights"),
        ],
        "FLOPs": [
            ("cached", f"{flops.action_cached:,}", "an action, with the task's weights from the cache"),
            ("uncached", f"{flops.action_uncached:,}", "an action, with weights generated for it"),
            ("minibatch", f"{flops.minibatch:,}", f"forward and backward, {batch}"),
            ("rollout", f"{flops.rollout:,}", "all minibatches of all epochs after it"),
        ],
        "Memory": [
            ("parameters", _bytes(memory.parameters), "the policy's, buffers included"),
            ("optimizer", _bytes(memory.optimizer), "its state"),
            ("activations", _bytes(memory.activations), "saved for the backward pass of a minibatch"),
            ("cache", _bytes(memory.cache), "kept while acting on one task"),
        ],
    }


def _row(choice: "Alternative") -> list[str]:
    name, cost = choice.name.replace(", rank", "") + (" *" if choice.own else ""), choice.cost
    if cost is None:
        return [name, *["-"] * 7]
    flops, memory = cost.flops, cost.memory
    work = (flops.action_cached, flops.action_uncached, flops.minibatch)
    sizes = (memory.parameters + memory.optimizer, memory.activations)
    return [name, *map(_scaled, (cost.parameters.total, cost.generated, *work)), *map(_bytes, sizes)]


def _bytes(value: int) -> str:
    return _scaled(value, 1024, "B")


def _scaled(value: int, step: int = 1000, unit: str = "") -> str:
    """A number to three digits, as "35.2 M", or with steps of 1024 and a unit as "880 KiB"."""
    scaled, prefix = float(value), ""
    for larger in "kMGTP" if step == 1000 else "KMGTP":
        if scaled < step:
            break
        scaled, prefix = scaled / step, larger
    digits = f"{scaled:.3g}" if 0 < scaled < 100 else f"{scaled:.0f}"
    binary = "i" if prefix and step == 1024 else ""
    return f"{digits} {prefix}{binary}{unit}".rstrip()
