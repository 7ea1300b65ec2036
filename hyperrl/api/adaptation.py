"""`adapt`: a trained agent on tasks whose contexts it is not given and identifies by its own episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hyperrl.api.arguments import checked
from hyperrl.api.runs import base_family_of, family_of, load_agent, open_run
from hyperrl.arguments import EPISODES, to_int
from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation import ModelPolicy
from hyperrl.evaluation.progress import Progress
from hyperrl.evaluation.rng import isolated_rng
from hyperrl.evaluation.task_selection import select_tasks
from hyperrl.identify.adaptation import adapt_tasks
from hyperrl.identify.adaptation_report import Adaptation, refuse_several
from hyperrl.identify.models import choose_model
from hyperrl.identify.prior import Prior, Within
from hyperrl.identify.request import check_settings
from hyperrl.store import Run, new_file, report_write_errors, try_writing
from hyperrl.tasks import Family

_SPLITS = ("interpolation",)
"""The tasks where none are named."""


@checked
def adapt(
    run: str | Path | Run,
    *,
    splits: Sequence[str] | None = None,
    contexts: Sequence[Mapping[str, float]] = (),
    episodes: int = 5,
    first: str = "default",
    model: str | None = None,
    particles: int = 500,
    transitions: int = 500,
    level: float = 0.9,
    within: Within = "declared",
    seed: int = 0,
    out: str | Path | None = None,
    force: bool = False,
    checkpoint: str | int | None = None,
    allow_import: Sequence[str] = (),
    family: Family | None = None,
    save: bool = True,
    progress: Progress | None = None,
) -> Adaptation:
    """Let an agent meet tasks whose contexts it is not given, as `hyperrl adapt` does.

    The simulation has the context; the agent acts. After each episode the context is inferred from all of
    the task's transitions so far (as `identify` does), and the agent acts on with the estimate. Beside it,
    the same agent plays from the same starts with the true context.

    Args:
        run: a run directory.
        splits: names; none takes interpolation, or no split where there are contexts.
        contexts: tasks of your own; features left out take their defaults.
        episodes: of each task, at least 1.
        first: the first episode. `default`: the agent acts as in the context of defaults; `explore`: actions
            are random.
        model: `dynamics`, the family's own equations, or `learned`, the run's forward model
            (`fit_forward_model`); None: the former where there are any.
        particles: contexts that are drawn from the posterior, from 50 to 100,000.
        transitions: how many are used at most, evenly spaced ones of more.
        level: probability of the intervals.
        within: `declared`, every declared value is possible; `training`, those of the training ranges.
        seed: of the starts, which are those of `evaluate`, and of the draws; at least 0.
        out: a new file ending in .json for the last estimate of the one task; None: none is written.
        force: replace a file that exists.
        checkpoint: `best`, `latest` or a number of steps; None: the best, or the latest while there is none.
        allow_import: modules, or Python files, that the run's environment may be imported from.
        family: needed where the run's family was made by `contextualize`.
        save: write a figure into the run.
        progress: called now and then with the work done and planned.

    Returns:
        Returns and estimates by episode.

    Raises:
        UserError: no run or a corrupt one; an agent that does not observe the context, or has wrappers; a
            family whose tasks change within an episode; an unknown split or feature; a number out of range; a
            model that there is not; several tasks and one file; or an observation, action or return that is
            not finite.
        BaseEnvironmentError: the base environment failed.
    """
    settings = check_settings(particles, transitions, level, within, seed)
    episodes = to_int(user_syntax("episodes", "--episodes"), episodes, EPISODES)
    run = open_run(run, allow_import)
    family, base = family_of(run, family), base_family_of(run, family)
    _refuse(run, family)
    chosen = _SPLITS if not splits and not contexts else splits
    selection = select_tasks(family, chosen, contexts)
    refuse_several(out, selection.contexts)
    path = None if out is None else new_file(out, Path(out), ".json", force)
    predicting = choose_model(run, base, model)
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}".replace(".", "-")
    figure = run.figures / f"adaptation-{stamp}.png" if save else None
    if figure is not None:
        with report_write_errors("run", run.path):
            try_writing(figure)
    with isolated_rng():
        agent = load_agent(run, family, checkpoint)
    with isolated_rng(settings.seed):
        tasks = adapt_tasks(
            ModelPolicy(agent.model), family, selection.contexts, predicting, settings,
            episodes=episodes, first=first, splits=selection.splits, progress=progress,
        )  # fmt: skip
    found = Adaptation(
        str(run.path), run.spec.agent.name, family.name, run.spec.seed, agent.checkpoint,
        agent.model.num_timesteps, predicting.name, first, settings, Prior(family.space, within),
        tuple(tasks), file=path,
    )  # fmt: skip
    if path is not None:
        found.estimate().write(path)
    return found if figure is None else _draw(found, run, figure)


def _refuse(run: Run, family: Family) -> None:
    """UserError where there is nothing to adapt, or it cannot be recorded."""
    agent = run.spec.agent
    if not agent.observes_context:
        raise UserError(
            f"adapt: agent {agent.name!r} does not observe the context; allowed: agents that do, such"
            " as hyper-ppo and concat-ppo"
        )
    if agent.wrappers:
        names = ", ".join(wrapper.name for wrapper in agent.wrappers)
        raise UserError(
            f"adapt: agent {agent.name!r} has wrappers ({names}), which hide what the base environment does;"
            " allowed: agents without"
        )
    if family.schedules is not None:
        changing = ", ".join(family.schedules.texts)
        raise UserError(f"adapt: found schedules of {changing}; allowed: tasks that stay for an episode")


def _draw(found: Adaptation, run: Run, path: Path) -> Adaptation:
    """Write the figure into the run."""
    from hyperrl.evaluation.figures import return_by_episode

    curves = {"context identified": found.returns, "true context": found.returns_with_context}
    with report_write_errors("run", run.path):
        return_by_episode(f"{found.agent} on {found.family}: adaptation", curves, path)
    return replace(found, figure=path)
