"""`identify`: the context of a task of which transitions were recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hyperrl.api.arguments import checked
from hyperrl.api.runs import base_family_of, open_run
from hyperrl.evaluation.progress import Progress
from hyperrl.identify.dynamics_model import DynamicsModel
from hyperrl.identify.estimate import Estimate
from hyperrl.identify.inference import infer
from hyperrl.identify.prior import Prior, Within
from hyperrl.identify.request import identify_request
from hyperrl.store import Run
from hyperrl.tasks import Family


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
        model: `dynamics`, the family's own equations; None takes what there is.
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
    predictor = DynamicsModel(base, request.transitions)
    found = infer(predictor, Prior(base.space, within), request.settings, progress=progress)
    estimate = Estimate(
        base.name, model or "dynamics", request.source, found.context, found.features, found.fit, found.notes,
        (request.recorded, len(request.transitions)), request.transitions.episodes, request.settings,
        request.out,
    )  # fmt: skip
    if request.out is not None:
        estimate.write(request.out)
    return estimate
