"""`evaluate`: zero-shot returns of a run, or of several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from hyperrl.api.arguments import checked
from hyperrl.api.runs import family_of, load_agent, open_run
from hyperrl.arguments import EPISODES, SEED, to_int
from hyperrl.errors import UserError, user_syntax
from hyperrl.evaluation import Evaluation, ModelPolicy
from hyperrl.evaluation.context_errors import check_sizes
from hyperrl.evaluation.context_shuffling import shuffled_contexts
from hyperrl.evaluation.feature_hiding import check_hidden, hide_features
from hyperrl.evaluation.index_acting import IndexedPolicy, check_index
from hyperrl.evaluation.networks import networks_of
from hyperrl.evaluation.observation_noise import check_noise
from hyperrl.evaluation.play_run import EvaluationPlan, play_run, run_result
from hyperrl.evaluation.progress import Progress, run_progress
from hyperrl.evaluation.rng import isolated_rng
from hyperrl.evaluation.save import save_evaluation
from hyperrl.evaluation.seeds import check_same_experiment
from hyperrl.evaluation.task_selection import Sweep, select_tasks
from hyperrl.evaluation.uncertainty import Watched, WatchedPolicy
from hyperrl.evaluation.worst_tasks import worst_request
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
    index: Literal["mean", "vote", "thompson"] | None = None,
    hidden: Sequence[str] = (),
    shuffle_contexts: bool = False,
    context_error: Sequence[float] = (),
    observation_noise: Sequence[float] = (),
    schedules: Mapping[str, Any] | None = None,
    uncertainty: bool = False,
    worst: Literal["return", "regret"] | None = None,
    worst_within: Literal["declared", "training"] | None = None,
    worst_budget: int | None = None,
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
        index: how an agent with noise among its hypernetwork's inputs acts: by the mean outputs of 32
            indices or of all members, by what most of them choose (discrete actions), or by an index that is
            drawn for each episode; None: by the network in the middle. Actions are the most likely ones.
        hidden: features that are hidden from the agents, for agents trained with `context_dropout` above 0.
        shuffle_contexts: let the agents observe in each task the context of another one of its split, which
            `seed` chooses; the environment stays in its own. What then is left of a return is owed to no
            context.
        context_error: sizes of errors, above 0 and at most 1. The tasks are played once more for each of
            them, with what the agents observe of the context off by so many parts of each feature's training
            range, to either side; a feature with `values` is another one with this probability.
        observation_noise: bounds of noise, above 0 and at most 10. The tasks are played once more for each of
            them, with each number that the agents observe beside the context off at each step, by at most
            so many of its standard deviations under random actions, to either side.
        schedules: how features change within each episode, such as {"sign": "jump:50"}, in the place of what
            the family's file says; "none": a feature stays.
        uncertainty: tell how far networks disagree at each step, and what they predict of returns. They are
            those of the agent's index, or, of several runs, one of each.
        worst: search for the tasks on which each run is worst, by "return" or by "regret", the best known
            return less the run's. The search knows contexts as they are, neither shuffled nor wrong.
        worst_within: the ranges that are searched: the widest "declared" ones, or those of "training"; None:
            the declared ones.
        worst_budget: the most episodes of the search, at least 100; None: 2,000, or 200 where environments
            are played one after the other.
        checkpoint: `best`, `latest` or a number of steps; None: the best, or the latest while there is none.
        device: `cpu`, `cuda`, `cuda:1`, `mps` or `auto`.
        allow_import: modules, or Python files, that the runs' environment may be imported from.
        family: needed where the runs' family was made by `contextualize`.
        save: write files and figures.
        progress: called now and then with the work done and planned, in parts of equal size.

    Raises:
        UserError: no run or a corrupt one, runs of different agents or families, an unknown split or
            feature, a number out of range, a split of one task whose contexts are to be shuffled, a schedule
            that a feature cannot have, a search by regret where no best return is known, uncertainty of
            one network, or an observation, action or return that is not finite.
    """
    seed, sizes, noise = (
        to_int("seed", seed, SEED),
        check_sizes(context_error),
        check_noise(observation_noise),
    )
    if episodes is not None:
        episodes = to_int("episodes", episodes, EPISODES)
    paths = [runs] if isinstance(runs, str | Path | Run) else runs
    opened = [open_run(path, allow_import) for path in paths]
    check_same_experiment(opened)
    family = family_of(opened[0], family).with_schedules(schedules or {})
    changing = {} if family.schedules is None else family.schedules.texts
    if changing and shuffle_contexts:
        option = user_syntax("shuffle_contexts", "--shuffle-contexts")
        raise UserError(f"{option}: found schedules of {', '.join(changing)}; allowed: tasks that stay")
    selection = select_tasks(family, splits, contexts, sweep)
    check_hidden(opened, family, hidden)
    for run in opened:
        check_index(run, family.action_space, index)
    observed = shuffled_contexts(selection, seed) if shuffle_contexts else None
    search = worst_request(family, worst, worst_within, worst_budget, episodes)
    episodes = episodes or family.recipe.evaluation.episodes
    plan = EvaluationPlan(selection, episodes, seed, observed, sizes, noise, search)
    for run in opened if save else ():
        with report_write_errors("run", run.path):
            try_writing(run.path / "evaluations" / "evaluation.json")
    with isolated_rng():
        loaded = [load_agent(run, family, checkpoint, device) for run in opened] if uncertainty else None
        networks = None if loaded is None else networks_of(loaded)
    results = []
    for number, run in enumerate(opened):
        with isolated_rng():
            agent = load_agent(run, family, checkpoint, device) if loaded is None else loaded[number]
        acting = IndexedPolicy(agent.model, index, seed) if index else ModelPolicy(agent.model, deterministic)
        policy, watched = hide_features(acting, family, hidden), None
        if networks is not None:
            watcher = WatchedPolicy(acting, networks)
            gamma = run.spec.agent.algorithm.gamma
            watched = Watched(hide_features(watcher, family, hidden), watcher, gamma, family.max_steps)
        played = play_run(policy, family, plan, run_progress(progress, number, len(opened)), watched)
        results.append(run_result(agent, played))
    evaluation = Evaluation(
        opened[0].spec.agent.name, family.name, episodes, seed, deterministic, tuple(results),
        hidden=tuple(hidden), shuffled_contexts=shuffle_contexts, schedules=changing,
        index=index,
    )  # fmt: skip
    if save:
        from hyperrl.deploy.cards.entries import refresh_run_card

        evaluation = save_evaluation(evaluation, opened, family, selection)
        for run in opened:
            refresh_run_card(run, family)
    return evaluation
