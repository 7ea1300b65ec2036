"""`hyperrl evaluate` for Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from hyperrl.api.arguments import checked
from hyperrl.api.opening import checkpoint_name, family_of, isolated_rng, opened
from hyperrl.arguments import EPISODES, SEED, to_int
from hyperrl.evaluation import Evaluation, RunResult, act_of, evaluate_tasks
from hyperrl.evaluation.feature_hiding import check_hidden, hide_features
from hyperrl.evaluation.progress import Progress
from hyperrl.evaluation.save import save_evaluation
from hyperrl.evaluation.seeds import check_same_experiment
from hyperrl.evaluation.task_selection import Sweep, TaskSelection, select_tasks
from hyperrl.store import Run, report_write_errors, try_writing
from hyperrl.tasks import Family


@checked
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
    checkpoint: str | int | None = None,
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
        allow_import: modules, or Python files, that the runs' environment may be imported from.
        family: needed where the runs' family was made by `contextualize`.
        save: write files and figures.
        progress: called now and then with the work done and planned, in parts of equal size.

    Raises:
        UserError: no run or a corrupt one, runs of different agents or families, an unknown split or
            feature, a number out of range, or an observation, action or return that is not finite.
    """
    seed, name = to_int("seed", seed, SEED), checkpoint_name(checkpoint)
    asked_episodes = None if episodes is None else to_int("episodes", episodes, EPISODES)
    listed = [runs] if isinstance(runs, str | Path | Run) else list(runs)
    found = [opened(run, allow_import) for run in listed]
    check_same_experiment(found)
    tasks = family_of(found[0], family)
    asked = select_tasks(tasks, splits, contexts, sweep)
    check_hidden(found, tasks, hidden)
    episodes = asked_episodes or tasks.recipe.evaluation.episodes
    if save:
        _refuse_read_only(found)
    played = tuple(
        _play(run, tasks, asked, episodes, seed, deterministic, hidden, name, device, hook)
        for run, hook in zip(found, _shares(progress, len(found)), strict=True)
    )
    agent = found[0].spec.agent.name
    told = Evaluation(agent, tasks.name, episodes, seed, deterministic, played, hidden=tuple(hidden))
    return save_evaluation(told, found, tasks, asked) if save else told


def _play(
    run: Run, family: Family, asked: TaskSelection, episodes: int, seed: int, deterministic: bool,
    hidden: Sequence[str], checkpoint: str | None, device: str, progress: Progress | None,
) -> RunResult:  # fmt: skip
    from hyperrl.training import load_model

    name = checkpoint or run.default_checkpoint()
    with isolated_rng():
        model = load_model(run, name, device, family, to_learn=False)
    with isolated_rng(seed):
        results = evaluate_tasks(
            hide_features(act_of(model, deterministic), family, hidden),
            family,
            asked.contexts,
            episodes=episodes,
            seed=seed,
            splits=asked.splits,
            progress=progress,
        )
    return RunResult(
        run=str(run.path),
        seed=run.spec.seed,
        steps=max(run.status.steps, model.num_timesteps),
        checkpoint=name,
        checkpoint_steps=model.num_timesteps,
        split_tasks=results[: asked.in_splits],
        own_tasks=results[asked.in_splits :],
    )


def _shares(progress: Progress | None, runs: int) -> Iterator[Progress | None]:
    """A hook for each of several runs that plan equally much, for a hook that is told of all of it."""

    def share(index: int, tell: Progress) -> Progress:
        return lambda done, total: tell(index * total + done, runs * total)

    for index in range(runs):
        yield None if progress is None else share(index, progress)


def _refuse_read_only(runs: Sequence[Run]) -> None:
    for run in runs:
        with report_write_errors("run", run.path):
            try_writing(run.path / "evaluations" / "evaluation.json")
