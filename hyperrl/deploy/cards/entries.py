"""What a card says of a specialist, of a generalist and of a whole run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperrl.actions import ACTIONS
from hyperrl.deploy.cards import spaces, usage
from hyperrl.deploy.cards.readme import NAME, CardEntry, read_card, write_card
from hyperrl.deploy.cards.results import MeanReturn, of_episodes, schedules_of, split_returns, task_return
from hyperrl.deploy.cards.text import conditions, limits, observations, render, return_of_task
from hyperrl.deploy.plan import Plan
from hyperrl.deploy.request import GENERALIST, default_specialist
from hyperrl.recipes import Context
from hyperrl.store import Run, RunSpec
from hyperrl.store.commands import train_command
from hyperrl.store.spec import SPEC, library_versions
from hyperrl.tasks import Family

if TYPE_CHECKING:
    from hyperrl.deploy.export import Written
    from hyperrl.evaluation.agent import Agent

_FORMATS = {"torch": "safetensors", "onnx": "onnx", "sb3": "stable-baselines3"}
"""What the hub calls a format."""


def write_specialist_card(agent: Agent, written: Written) -> Path | None:
    """Write the card of a specialist's file beside it.

    Args:
        agent: the agent that it was taken from.
        written: the file.

    Raises:
        UserError: the card cannot be written.
    """
    run, family, file = agent.run, agent.family, written.file
    parts = spaces.inputs(family)
    steps = agent.model.num_timesteps
    beside = None if written.statistics is None else written.statistics.name
    wrapping = [*usage.wrapping_lines(family.options, len(parts), beside)] if written.format == "sb3" else []
    if written.played is not None:
        played = written.played[1]
        row: MeanReturn | None = of_episodes(
            family.flag(written.context), played.returns, oracle=played.oracle
        )
    else:
        row = task_return(run, family, written.context, steps)
    results = [] if row is None else [row.as_result(family.name, f"{file.name}: {_values(written.context)}")]
    normalized = any(part.encoding == "normalized" for part in written.specialist.plan.inputs)
    entry = _entry(
        run, family, file.name, "specialist", results,
        library="stable-baselines3" if written.format == "sb3" else _library(written.format),
        tags=(_FORMATS[written.format],),
        heading=f"`{file.name}`",
        what=(
            f"A plain network that acts on one task of the family `{family.name}`, as the agent"
            f" {_agent(run.spec)} does there. It does not see the"
            " context: the task is in its weights."
        ),
        context=written.context,
        batch=written.format == "onnx",
        inputs=parts,
        normalized=normalized,
        code=_specialist_code(written, parts),
        wrapping=wrapping,
        of_task=return_of_task(row, smaller=written.played is not None),
        returns=split_returns(run, steps),
        commands=[train_command(run.spec), _specialize_command(agent, written)],
        facts=[
            ("weights", f"checkpoint {agent.checkpoint!r} of {steps:,} steps, seed {run.spec.seed}"),
            ("size", f"{written.cost.bytes:,} bytes, {written.cost.parameters:,} parameters that are not 0"),
            (
                "size of the agent",
                f"{written.generalist.bytes:,} bytes, {written.generalist.parameters:,} parameters",
            ),
            *_flag_facts(written.specialist.plan),
        ],
    )  # fmt: skip
    return write_card(entry, file.parent)


def _flag_facts(plan: Plan) -> list[tuple[str, str]]:
    """The row of a specialist's flag, where it has one."""
    return [] if plan.flag is None else [("this task", plan.flag.verdict)]


def write_generalist_card(agent: Agent, path: Path, parameters: int) -> Path | None:
    """Write the card of a generalist's ONNX file beside it.

    Args:
        agent: the agent.
        path: the file.
        parameters: of the networks that act, hypernetwork included.

    Raises:
        UserError: the card cannot be written.
    """
    run, family = agent.run, agent.family
    steps, parts = agent.model.num_timesteps, spaces.inputs(family)
    context = spaces.Tensor(
        "context", (len(family.space.names),), "float32",
        f"the task, raw values in the order {', '.join(family.space.names)}",
    )  # fmt: skip
    command = ["hyperrl", "export", str(run.path), "--checkpoint", agent.checkpoint]
    command += [] if path == run.path / GENERALIST else ["--out", str(path)]
    returns = split_returns(run, steps)
    entry = _entry(
        run, family, path.name, "generalist",
        [row.as_result(family.name, f"{path.name}: {row.split}") for row in returns],
        library=_library("onnx"),
        tags=("onnx",),
        heading=f"`{path.name}`",
        what=(
            f"The agent {_agent(run.spec)} for all tasks of the family"
            f" `{family.name}` as one ONNX graph, opset 18. It takes the task as an input, so that a program"
            " may change it at each step."
        ),
        batch=True,
        inputs=[*parts, context],
        normalized=run.spec.agent.normalize.active,
        code=usage.onnx_lines(path.name, parts, _example_task(family)),
        returns=returns,
        commands=[train_command(run.spec), shlex.join(command)],
        facts=[
            ("weights", f"checkpoint {agent.checkpoint!r} of {steps:,} steps, seed {run.spec.seed}"),
            ("size", f"{path.stat().st_size:,} bytes, {parameters:,} parameters"),
        ],
    )  # fmt: skip
    return write_card(entry, path.parent)


def write_run_card(run: Run, family: Family) -> Path | None:
    """Write the card of a finished run into its directory, so that it can be shared as it is.

    Args:
        run: the run.
        family: its family, with the agent's environments.

    Raises:
        UserError: the card cannot be written.
    """
    spec, name = run.spec, run.default_checkpoint()
    steps, parts = run.checkpoint_steps(name), spaces.inputs(family)
    returns = split_returns(run, steps)
    own = spec.family.base.startswith("hyperrl-custom/")
    entry = _entry(
        run, family, SPEC, "run",
        [row.as_result(family.name, f"{name}: {row.split}") for row in returns],
        library="hyperrl",
        tags=("safetensors",),
        heading="The run",
        what=(
            f"All of a training of the agent {_agent(spec)} on the family"
            f" `{family.name}`: `{SPEC}` holds both recipes, `checkpoints` the weights as safetensors,"
            " `evaluations` the returns of each task, and TensorBoard reads the logs."
            " Nothing in it is unpickled."
        ),
        batch=False,
        inputs=parts,
        normalized=spec.agent.normalize.active,
        code=usage.run_lines(
            parts, _example_task(family), memory=spec.agent.remembers, own_family=own
        ),
        returns=returns,
        commands=[train_command(spec)],
        facts=[
            ("weights", f"checkpoint {name!r} of {steps:,} steps; {run.status.steps:,} steps were taken"),
            ("seed", str(spec.seed)),
            ("size", f"{(run.path / 'checkpoints' / f'{name}.safetensors').stat().st_size:,} bytes"),
        ],
    )  # fmt: skip
    return write_card(entry, run.path)


def refresh_run_card(run: Run, family: Family) -> None:
    """Write the card of a run anew where it has one, as after an evaluation; raises as `write_run_card`."""
    entries = read_card(run.path / NAME)
    if entries and any(entry.name == SPEC for entry in entries):
        write_run_card(run, family)


def _entry(
    run: Run, family: Family, name: str, kind: str, results: Sequence[Mapping[str, Any]], *,
    library: str, tags: tuple[str, ...], inputs: list[spaces.Tensor], normalized: bool,
    facts: list[tuple[str, str]], returns: Sequence[MeanReturn], context: Context | None = None,
    **content: Any,
) -> CardEntry:  # fmt: skip
    """The entry of a card; what is in every section is added here."""
    spec = run.spec
    masked = [spaces.masks(family)] if ACTIONS[spec.agent.algorithm.name] == "masked" else []
    section = render(
        kind=kind,
        family=spec.family,
        context=context,
        inputs=[*inputs, *masked],
        output=spaces.output(family),
        observations=observations(family, normalized=normalized, format=tags[0]),
        returns=returns,
        conditions=conditions(returns),
        repeat=(
            "Where a command names a file `NAME.yaml`, the recipe in the run's `run.yaml` is its text."
            if any(".yaml" in command for command in content["commands"])
            else ""
        ),
        facts=[*_schedules(spec), *facts, *_versions(spec)],
        limits=limits(spec, family, context, returns),
        **{"wrapping": [], "of_task": "", **content},
    )  # fmt: skip
    agent = spec.agent
    return CardEntry(
        name=name,
        title=f"{agent.name} on {family.name}",
        library=library,
        tags=("hyperrl", agent.algorithm.name, family.name, *tags),
        results=tuple(results),
        section=section,
    )


def _agent(spec: RunSpec) -> str:
    """The agent's name with its algorithm."""
    return f"`{spec.agent.name}` ({spec.agent.algorithm.name.upper()})"


def _schedules(spec: RunSpec) -> Iterator[tuple[str, str]]:
    """How features change within an episode, where some do."""
    if schedules := schedules_of(spec.family):
        yield "changes within an episode", ", ".join(f"{name} ({text})" for name, text in schedules.items())


def _versions(spec: RunSpec) -> Iterator[tuple[str, str]]:
    """What a run was trained with, and what its card is written with."""
    for label, versions in (("trained with", spec.versions), ("written with", library_versions())):
        yield label, ", ".join(f"{name} {version}" for name, version in versions.items())
    if spec.commit is not None:
        yield "trained with commit", spec.commit


def _library(format: str) -> str:
    return "onnx" if format == "onnx" else "hyperrl"


def _specialist_code(written: Written, parts: list[spaces.Tensor]) -> str:
    file = written.file.name
    if written.format == "torch":
        return usage.torch_lines(file, parts)
    if written.format == "onnx":
        return usage.onnx_lines(file, parts)
    statistics = None if written.statistics is None else written.statistics.name
    assert written.algorithm is not None
    return usage.sb3_lines(file, parts, written.algorithm, statistics)


def _specialize_command(agent: Agent, written: Written) -> str:
    command = ["hyperrl", "specialize", str(agent.run.path), "--context", _values(written.context)]
    command += ["--checkpoint", agent.checkpoint]
    command += ["--format", written.format] if written.format != "torch" else []
    command += [] if written.budget is None else ["--budget", repr(float(written.budget))]
    command += ["--quantize", "int8"] if written.quantized else []
    command += [] if written.specialist.plan.flag is None else ["--flag"]
    if written.file != default_specialist(agent.run, agent.family, written.context, written.format):
        command += ["--out", str(written.file)]
    return shlex.join(command)


def _values(context: Mapping[str, float]) -> str:
    """A context as the command line takes it, exactly."""
    return ",".join(f"{name}={repr(float(value)).removesuffix('.0')}" for name, value in context.items())


def _example_task(family: Family) -> Context:
    """A task to show: one that is reported, else one that was trained on."""
    splits = ("interpolation", "extrapolation", "train")
    return next(task for split in splits for task in family.tasks(split))
