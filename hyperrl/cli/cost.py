"""`hyperrl describe AGENT FAMILY`: what the pair costs, and what its alternatives would."""

import json
from typing import TYPE_CHECKING

import typer

from hyperrl.cli import console, streams

if TYPE_CHECKING:
    from hyperrl.analysis.alternatives import Choice, Comparison
    from hyperrl.analysis.cost import Cost


def describe(agent: str, family: str, overrides: list[str], as_json: bool) -> None:
    """Measure and print the cost of an agent on a family."""
    from hyperrl.recipes import load_agent, resolve
    from hyperrl.tasks import Family
    from hyperrl.tasks.actions import refuse_algorithm

    with streams.aside(as_json):
        tasks = Family.load(family)
        recipe = resolve(load_agent(agent), tasks.recipe, overrides)
        refuse_algorithm(recipe, tasks.action_space)
        tasks.make().close()  # A base that cannot be made is told here, before seconds go into loading torch.
        from hyperrl.analysis.alternatives import compare

        found = compare(recipe, tasks)
    if as_json:
        typer.echo(json.dumps(found.to_json(), allow_nan=False))
    else:
        _print(found)


def _print(found: "Comparison") -> None:
    own = next(choice for choice in found.choices if choice.own)
    console.prose(f"{found.agent} on {found.family} ({own.name})")
    rows = "1 row" if found.rows == 1 else f"{found.rows:,} rows"
    tasks = "1 task" if found.tasks == 1 else f"{found.tasks:,} tasks"
    for title, lines in _sections(found.own, f"{rows} of {tasks}"):
        console.heading(title)
        console.table(["", "number", "what"], lines, numbers=["number"])
    console.heading("Per choice, all else equal (* this agent's)")
    columns = ["choice", "params", "codes", "kept", "anew", "batch", "state", "saved"]
    console.table(columns, map(_row, found.choices), numbers=columns[1:])
    for choice in found.choices:
        if choice.cost is None:
            console.line(f"{choice.name}: {choice.why_not}")
    console.line()
    console.prose(
        "FLOPs are counted while the real networks run: matrix products and convolutions, forward and"
        " backward, a multiplication and an addition as two; elementwise work is left out. A minibatch's rows"
        " are spread over as many training tasks as a rollout has episodes, if each runs to its limit (off"
        " policy, over all). Per choice: params are all parameters, codes the numbers generated for a task,"
        " kept and anew FLOPs of an action, batch FLOPs of a minibatch; state is the memory of"
        " parameters and optimizer, saved that of a minibatch's activations."
    )


def _sections(cost: "Cost", batch: str) -> list[tuple[str, list[list[str]]]]:
    parameters, flops, memory = cost.parameters, cost.flops, cost.memory
    counted = [
        ("generator", parameters.generator, "the hypernetwork but for its heads"),
        ("heads", parameters.heads, "its last layer, which makes what is generated"),
        ("shared", parameters.shared, "factors and layers that all tasks share"),
        ("networks", parameters.networks, "actor and critic, nothing generated"),
        ("rest", parameters.rest, "features extractor, LSTMs, spread of actions"),
        ("targets", parameters.targets, "copies that follow the learned ones"),
        ("total", parameters.total, "of the policy" if parameters.targets else "trained"),
    ]
    of_a_task = [
        ("actor", cost.actor, "weights and biases"),
        ("critic", cost.critic, "weights and biases"),
        ("generated", cost.generated, "numbers that the hypernetwork gives, of which the weights are made"),
    ]
    work = [
        ("kept", flops.action_cached, "an action, the task's weights at hand"),
        ("anew", flops.action_anew, "an action, its weights generated for it"),
        ("minibatch", flops.minibatch, f"forward and backward, {batch}"),
        ("rollout", flops.rollout, "all minibatches of all epochs after it"),
    ]
    held = [
        ("parameters", memory.parameters, "the policy's, buffers included"),
        ("optimizer", memory.optimizer, "its state"),
        ("activations", memory.activations, "kept for the backward pass of a minibatch"),
        ("kept", memory.kept, "while acting on one task"),
    ]
    return [
        ("Parameters", [[name, f"{count:,}", what] for name, count, what in counted if count]),
        ("Networks of one task", [[name, f"{count:,}", what] for name, count, what in of_a_task]),
        ("FLOPs", [[name, f"{count:,}", what] for name, count, what in work]),
        ("Memory", [[name, _scaled(count, 1024, "B"), what] for name, count, what in held]),
    ]


def _row(choice: "Choice") -> list[str]:
    name = choice.name.replace(", rank", "") + (" *" if choice.own else "")
    cost = choice.cost
    if cost is None:
        return [name, *["-"] * 7]
    return [
        name,
        *map(_scaled, (cost.parameters.total, cost.generated)),
        *map(_scaled, (cost.flops.action_cached, cost.flops.action_anew, cost.flops.minibatch)),
        _scaled(cost.memory.parameters + cost.memory.optimizer, 1024, "B"),
        _scaled(cost.memory.activations, 1024, "B"),
    ]


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
