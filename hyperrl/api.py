"""The verbs of the command line, for Python: train, resume, evaluate, watch, load, specialize, export."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hyperrl.errors import UserError
from hyperrl.evaluation import Evaluation, RunResult, act_of, evaluate_tasks
from hyperrl.evaluation.agent import Agent
from hyperrl.evaluation.hidden import hiding, refuse_hidden
from hyperrl.evaluation.progress import Progress
from hyperrl.evaluation.request import Request, Sweep, request
from hyperrl.evaluation.saving import saved
from hyperrl.evaluation.seeds import refuse_strangers
from hyperrl.evaluation.showing import refuse_video, refuse_window, show, write_video
from hyperrl.evaluation.watching import rate, scenes, shown
from hyperrl.limits import EPISODES, KEEP, SEED, STEPS, whole
from hyperrl.recipes import AgentRecipe, FamilyRecipe, load_agent, resolve
from hyperrl.specialists.asked import generalist_asked, specialist_asked
from hyperrl.store import Run, refuse_existing
from hyperrl.tasks import Family
from hyperrl.tasks.actions import refuse_algorithm

if TYPE_CHECKING:
    from hyperrl.specialists.writing import Written

__all__ = [
    "Agent",
    "Evaluation",
    "default_run_dir",
    "evaluate",
    "export",
    "load",
    "resume",
    "specialize",
    "train",
    "watch",
]


def default_run_dir(family: str, agent: str, seed: int) -> Path:
    """Where a run goes unless told otherwise: `runs/FAMILY/AGENT/seed-N`, below the working directory."""
    return Path("runs") / family / agent / f"seed-{seed}"


def train(
    agent: str | Path | AgentRecipe,
    family: str | Path | Family | FamilyRecipe,
    *,
    steps: int | None = None,
    seed: int = 0,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    from_run: str | Path | Run | None = None,
    keep: int = 0,
    detect_anomaly: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
    allow_import: Sequence[str] = (),
) -> Run:
    """Train an agent on a family, as `hyperrl train` does.

    Args:
        agent: a name of the suite, a YAML file, or a recipe.
        family: a name, a YAML file, a recipe, or a family made by `contextualize`.
        steps: environment steps; None takes the recipe's.
        seed: of everything random, from 0 to 2^32 - 1.
        overrides: fields of the agent's recipe, `"algorithm.learning_rate=1e-3"`.
        out: the run's directory; None takes `default_run_dir`.
        from_run: start at the weights of this run.
        keep: how many checkpoints to keep, named by their steps, beside the latest and the best.
        detect_anomaly: look for numbers that are not finite at each step and in each gradient, slowly.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        progress: called with the steps done and planned.
        allow_import: modules that the environment of `from_run` may import.

    Returns:
        The finished run.

    Raises:
        UserError: an unknown or wrong recipe, field or device, a number out of range, or a directory that
            holds a run already.
        DivergenceError: numbers that are not finite came up; the last checkpoint before them is kept.
        UnwritableError: the disk is full, or the run can no longer be written; its last checkpoint is kept.
    """
    steps, seed, keep = _steps(steps), whole("seed", seed, SEED), whole("keep", keep, KEEP)
    found = agent if isinstance(agent, AgentRecipe) else load_agent(str(agent))
    tasks = _family(family)
    resolved = resolve(found, tasks.recipe, overrides)
    directory = default_run_dir(tasks.name, resolved.name, seed) if out is None else Path(out)
    refuse_existing(directory)
    if resolved.algorithm.actions != "any" or resolved.algorithm.extra is not None:
        refuse_algorithm(resolved, tasks.action_space)
    start = from_run if from_run is None or isinstance(from_run, Run) else Run.open(from_run, allow_import)
    from hyperrl import training

    return training.train(
        resolved, tasks, out=directory, seed=seed, steps=steps, device=device, from_run=start,
        overrides=overrides, keep=keep, detect_anomaly=detect_anomaly, progress=progress,
    )  # fmt: skip


def resume(
    run: str | Path | Run,
    *,
    steps: int | None = None,
    detect_anomaly: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
    allow_import: Sequence[str] = (),
    family: Family | None = None,
) -> Run:
    """Go on with a killed run, or extend a finished one, as `hyperrl train --resume` does.

    Args:
        run: a run directory.
        steps: environment steps in all; None takes the planned ones.
        detect_anomaly: as in `train`.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        progress: called with the steps done and planned.
        allow_import: modules that the run's environment may import.
        family: needed where the run's family was made by `contextualize`.

    Raises:
        UserError: no run, a corrupt one, a number out of range, nothing left to do, or another process
            is writing to it.
        DivergenceError, UnwritableError: as in `train`.
    """
    steps = _steps(steps)
    opened = _open(run, allow_import)
    tasks = _family_of(opened, family)
    from hyperrl import training

    return training.resume(
        opened, steps=steps, device=device, family=tasks, detect_anomaly=detect_anomaly, progress=progress
    )


def evaluate(
    runs: str | Path | Run | Sequence[str | Path | Run],
    *,
    splits: Sequence[str] | None = None,
    contexts: Sequence[Mapping[str, float]] = (),
    sweep: Sequence[Sweep] = (),
    episodes: int | None = None,
    seed: int = 0,
    deterministic: bool = True,
    hidden: Sequence[str] = (),
    checkpoint: str | None = None,
    device: str = "cpu",
    allow_import: Sequence[str] = (),
    family: Family | None = None,
    save: bool = True,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a run, or several that differ in their seed, zero-shot, as `hyperrl evaluate` does.

    Every run gets its own file below `evaluations/`; figures go to the first run's `figures/`: a curve over
    one feature swept, a heatmap over two, else return over the features that vary in the splits.

    Args:
        runs: a run directory, or several.
        splits: names; none takes train, interpolation and extrapolation, or none where contexts or a sweep
            are given.
        contexts: tasks of your own; features left out take their defaults.
        sweep: (feature, low, high, count) for one feature or two.
        episodes: per task and run; None takes the family's.
        seed: of the start states, and of the actions where they are drawn; at least 0.
        deterministic: take the most likely action rather than draw one.
        hidden: features that the agents are not told, for agents trained with `missing` above 0.
        checkpoint: `best`, `latest` or a number of steps; None: the best, or the latest while there is none.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        allow_import: modules that the runs' environment may import.
        family: needed where the runs' family was made by `contextualize`.
        save: write files and figures.
        progress: called now and then with the work done and planned, in parts of equal size.

    Raises:
        UserError: no run or a corrupt one, runs of different agents or families, an unknown split or
            feature, a number out of range, or an observation, action or return that is not finite.
    """
    seed = whole("seed", seed, SEED)
    asked_episodes = None if episodes is None else whole("episodes", episodes, EPISODES)
    opened = [_open(run, allow_import) for run in _listed(runs)]
    refuse_strangers(opened)
    tasks = _family_of(opened[0], family)
    asked = request(tasks, splits, contexts, sweep)
    refuse_hidden(opened, tasks, hidden)
    episodes = asked_episodes or tasks.recipe.evaluation.episodes
    if save:
        _refuse_read_only(opened)
    played = tuple(
        _play(run, tasks, asked, episodes, seed, deterministic, hidden, checkpoint, device, hook)
        for run, hook in zip(opened, _shares(progress, len(opened)), strict=True)
    )
    spec = opened[0].spec
    found = Evaluation(
        spec.agent.name, tasks.name, episodes, seed, deterministic, played, hidden=tuple(hidden)
    )
    return saved(found, opened, tasks, asked) if save else found


def watch(
    run: str | Path | Run,
    *,
    contexts: Sequence[Mapping[str, float]] = (),
    video: str | Path | None = None,
    seed: int = 0,
    deterministic: bool = True,
    checkpoint: str | None = None,
    allow_import: Sequence[str] = (),
    family: Family | None = None,
) -> int:
    """Show an agent acting, one episode of each task side by side, as `hyperrl watch` does.

    Args:
        run: a run directory.
        contexts: at most 16 tasks; none takes three of each held-out split.
        video: an .mp4 or .gif that is written, or replaced, in place of a window.
        seed: of the start states (those of `evaluate`'s first episode), and of the actions where they are
            drawn; at least 0.
        deterministic: take the most likely action rather than draw one.
        checkpoint: as in `load`.
        allow_import: modules that the run's environment may import.
        family: needed where the run's family was made by `contextualize`.

    Returns:
        Frames shown.

    Raises:
        UserError: no run or a corrupt one, a wrong context, a file that cannot be written, no display, or an
            environment that renders no pictures.
    """
    seed = whole("seed", seed, SEED)
    if video is not None:
        refuse_video(Path(video))
    else:
        refuse_window()
    agent = load(run, checkpoint=checkpoint, allow_import=allow_import, family=family)
    tasks = shown(agent.family, contexts)
    frames_a_second = rate(agent.family)
    with _own_luck():
        _seed_draws(seed)
        frames = scenes(act_of(agent.model, deterministic), agent.family, tasks, seed=seed)
        if video is not None:
            return write_video(Path(video), frames, frames_a_second)
        return show(frames, frames_a_second, f"{agent.run.spec.agent.name} on {agent.family.name}")


def load(
    run: str | Path | Run,
    *,
    checkpoint: str | None = None,
    device: str = "cpu",
    allow_import: Sequence[str] = (),
    family: Family | None = None,
) -> Agent:
    """Load a run's trained agent.

    Args:
        run: a run directory.
        checkpoint: `best`, `latest` or a number of steps; None: the best, or the latest while there is none.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        allow_import: modules that the run's environment may import.
        family: needed where the run's family was made by `contextualize`.

    Raises:
        UserError: no run, a corrupt one, or no such checkpoint.
    """
    opened = _open(run, allow_import)
    tasks = _family_of(opened, family)
    from hyperrl.training import load_model

    return Agent(opened, tasks, load_model(opened, checkpoint, device, tasks))


def specialize(
    run: str | Path | Run,
    context: Mapping[str, float],
    *,
    format: str = "torch",
    out: str | Path | None = None,
    budget: float | None = None,
    quantize: str | None = None,
    checkpoint: str | None = None,
    allow_import: Sequence[str] = (),
    family: Family | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write the plain network that acts on one task, as `hyperrl specialize` does.

    Args:
        run: a run directory.
        context: the task; features left out take their defaults.
        format: `torch` (safetensors), `onnx`, or `sb3` (a zip for `PPO.load` and its like).
        out: a new file; None: `RUN/specialists/CONTEXT.ENDING`.
        budget: the share of its parameters to prune it to by magnitude, above 0 and at most 1.
        quantize: `int8`, for weights of eight bits.
        checkpoint: as in `load`.
        allow_import: as in `load`.
        family: as in `load`.
        progress: told of the episodes that show what return is kept, where it is made smaller.

    Returns:
        The file, what it costs beside the agent, and the return kept.

    Raises:
        UserError: as in `load`; an unknown feature or format, a share out of range, a file that exists, an
            agent whose weights are not a task's alone, or layers that the format cannot hold.
    """
    opened = _open(run, allow_import)
    tasks = _family_of(opened, family)
    asked = specialist_asked(opened, tasks, context, format, out, budget, quantize)
    from hyperrl.specialists.writing import specialise

    agent = load(opened, checkpoint=checkpoint, family=tasks)
    with _own_luck():
        return specialise(agent, asked, progress)


def export(
    run: str | Path | Run,
    *,
    out: str | Path | None = None,
    checkpoint: str | None = None,
    allow_import: Sequence[str] = (),
    family: Family | None = None,
) -> Path:
    """Write the agent as one ONNX file, as `hyperrl export` does.

    Args:
        run: a run directory.
        out: a new file; None: `RUN/generalist.onnx`.
        checkpoint: as in `load`.
        allow_import: as in `load`.
        family: as in `load`.

    Returns:
        The file: inputs are the observation and `context`, raw values (batch, features); output `action`.

    Raises:
        UserError: as in `load`; a file that exists, or networks that ONNX cannot hold.
    """
    opened = _open(run, allow_import)
    path = generalist_asked(opened, out)
    from hyperrl.specialists import writing

    agent = load(opened, checkpoint=checkpoint, family=family)
    with _own_luck():
        return writing.export(agent, path)


def _play(
    run: Run, family: Family, asked: Request, episodes: int, seed: int, deterministic: bool,
    hidden: Sequence[str], checkpoint: str | None, device: str, progress: Progress | None,
) -> RunResult:  # fmt: skip
    from hyperrl.training import load_model

    with _own_luck():
        model = load_model(run, checkpoint, device, family, to_learn=False)
        _seed_draws(seed)
        results = evaluate_tasks(
            hiding(act_of(model, deterministic), family, hidden),
            family,
            asked.contexts,
            episodes=episodes,
            seed=seed,
            splits=asked.splits,
            progress=progress,
        )
    names = run.checkpoints()
    return RunResult(
        run=str(run.path),
        seed=run.spec.seed,
        steps=max(run.status.steps, model.num_timesteps),
        checkpoint=checkpoint or ("best" if "best" in names else "latest"),
        checkpoint_steps=model.num_timesteps,
        in_splits=results[: asked.in_splits],
        asked=results[asked.in_splits :],
    )


def _shares(progress: Progress | None, runs: int) -> Iterator[Progress | None]:
    """A hook for each of several runs that plan equally much, for a hook that is told of all of it."""

    def share(index: int, tell: Progress) -> Progress:
        return lambda done, total: tell(index * total + done, runs * total)

    for index in range(runs):
        yield None if progress is None else share(index, progress)


@contextmanager
def _own_luck() -> Iterator[None]:
    """Put torch's generators back afterwards: building a network and drawing actions both use them."""
    import torch

    with torch.random.fork_rng():
        yield


def _seed_draws(seed: int) -> None:
    import torch

    torch.manual_seed(seed)


def _listed(runs: str | Path | Run | Sequence[str | Path | Run]) -> list[str | Path | Run]:
    return [runs] if isinstance(runs, str | Path | Run) else list(runs)


def _open(run: str | Path | Run, allow_import: Sequence[str]) -> Run:
    return run if isinstance(run, Run) else Run.open(run, allow_import)


def _family(family: str | Path | Family | FamilyRecipe) -> Family:
    if isinstance(family, Family):
        return family
    return Family(family) if isinstance(family, FamilyRecipe) else Family.load(str(family))


def _family_of(run: Run, family: Family | None) -> Family:
    if family is None:
        if run.spec.family.base.startswith("hyperrl-custom/"):
            raise UserError(
                f"run {str(run.path)!r}: its family was made in Python; pass it again as family=..."
            )
        return Family(run.spec.family)
    if family.recipe != run.spec.family:
        raise UserError(
            f"run {str(run.path)!r}: was trained on another family than the {family.name!r} given"
        )
    return family


def _refuse_read_only(runs: Sequence[Run]) -> None:
    for run in runs:
        if not os.access(run.path, os.W_OK):
            raise UserError(f"run {str(run.path)!r}: cannot be written, and evaluations are stored in it")


def _steps(steps: int | None) -> int | None:
    return None if steps is None else whole("steps", steps, STEPS)
