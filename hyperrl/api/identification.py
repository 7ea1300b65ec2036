"""`identify`: the context of a task of which transitions were recorded, and the forward models for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperrl.api.arguments import checked
from hyperrl.api.runs import base_family_of, family_of, load_agent, open_run
from hyperrl.arguments import SEED, TRANSITIONS, UPDATES, to_int
from hyperrl.errors import user_syntax
from hyperrl.evaluation.progress import Progress
from hyperrl.evaluation.rng import isolated_rng
from hyperrl.identify.estimate import Estimate
from hyperrl.identify.inference import infer
from hyperrl.identify.models import choose_model
from hyperrl.identify.prior import Prior, Within
from hyperrl.identify.request import identify_request
from hyperrl.store import Run
from hyperrl.tasks import Family

if TYPE_CHECKING:
    from hyperrl.identify.forward_files import ForwardSpec


@checked
def identify(
    run: str | Path | Run,
    data: str | Path | Mapping[str, Any],
    *,
    model: str | None = None,
    particles: int = 500,
    transitions: int = 500,
    level: float = 0.9,
    within: Within = "declared",
    seed: int = 0,
    out: str | Path | None = None,
    force: bool = False,
    allow_import: Sequence[str] = (),
    family: Family | None = None,
    progress: Progress | None = None,
) -> Estimate:
    """Infer a task's context from recorded transitions, as `hyperrl identify` does.

    The context's posterior is drawn by a particle method (`hyperrl.identify.sampler`) from one-step
    predictions of all transitions under many contexts at once.

    Args:
        run: a run directory, which tells the family.
        data: a .csv or .npz file, `minari:NAME`, or arrays by name: `obs` and `action`, and perhaps
            `next_obs`, `reward`, `terminated`, `truncated` and `episode` (docs/identifying.md).
        model: `dynamics`, the family's own equations, or `learned`, the run's forward model
            (`fit_forward_model`); None: the former where there are any.
        particles: contexts that are drawn from the posterior, from 50 to 100,000.
        transitions: how many are used at most, evenly spaced ones of more.
        level: probability of the intervals.
        within: `declared`, every declared value is possible; `training`, those of the training ranges.
        seed: of the draws, at least 0.
        out: a new file ending in .json, whose folders are made; None: none is written.
        force: replace a file that exists.
        allow_import: modules, or Python files, that the run's environment may be imported from.
        family: needed where the run's family was made by `contextualize`.
        progress: called now and then with the work done and planned.

    Returns:
        The estimated context, an interval for each feature, and what the data leave open.

    Raises:
        UserError: no run or a corrupt one; data that do not fit the family, named by file, row and column;
            a model that the family does not have; a number out of range, or a file that exists.
    """
    run = open_run(run, allow_import)
    base = base_family_of(run, family)
    request = identify_request(
        base,
        data,
        particles=particles,
        transitions=transitions,
        level=level,
        within=within,
        seed=seed,
        out=out,
        force=force,
    )
    chosen = choose_model(run, base, model)
    found = infer(
        chosen.predictor(request.transitions), Prior(base.space, within), request.settings,
        power=chosen.power, progress=progress,
    )  # fmt: skip
    estimate = Estimate(
        base.name, chosen.name, request.source, found.context, found.features, found.fit, found.notes,
        (request.recorded, len(request.transitions)), request.transitions.episodes, request.settings,
        request.out,
    )  # fmt: skip
    if request.out is not None:
        estimate.write(request.out)
    return estimate


@checked
def fit_forward_model(
    run: str | Path | Run,
    *,
    transitions: int = 20_000,
    updates: int = 3000,
    seed: int = 0,
    allow_import: Sequence[str] = (),
    family: Family | None = None,
    progress: Progress | None = None,
) -> ForwardSpec:
    """Fit a forward model for `identify(..., model="learned")`, as `hyperrl identify RUN --fit` does.

    A hypernetwork generates a network for each task, which predicts from observation and action what a step
    changes. It learns from the training tasks, of random actions and of the agent's own, and is written into
    the run in place of an older one.

    Args:
        run: a run directory.
        transitions: to learn from, about.
        updates: of its weights.
        seed: of data and learning, at least 0; the same seed gives the same model.
        allow_import: as in `identify`.
        family: as in `identify`.
        progress: called now and then with the updates done and planned.

    Returns:
        What is known of the model, its errors on validation tasks among it.

    Raises:
        UserError: no run or a corrupt one, a number out of range, a family without validation tasks or whose
            observations are images, or a run that cannot be written.
    """
    from hyperrl.evaluation import ModelPolicy
    from hyperrl.identify.forward_files import write_model
    from hyperrl.identify.forward_fit import FitSettings, fit_model

    settings = FitSettings(
        to_int(user_syntax("transitions", "--transitions"), transitions, TRANSITIONS),
        to_int("updates", updates, UPDATES),
        to_int(user_syntax("seed", "--seed"), seed, SEED),
    )
    run = open_run(run, allow_import)
    base = base_family_of(run, family)
    playing = None if run.spec.agent.wrappers else family_of(run, family)
    with isolated_rng(settings.seed):
        policy = None
        if playing is not None and run.checkpoints():
            policy = ModelPolicy(load_agent(run, playing, None).model, deterministic=False)
        spec, model = fit_model(base, settings, agent=playing, policy=policy, progress=progress)
    write_model(run, spec, model.state_dict())
    return spec
