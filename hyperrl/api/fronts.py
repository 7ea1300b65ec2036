"""`front`: what one agent reaches of several objectives, over their weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from hyperrl.api.arguments import checked
from hyperrl.api.runs import family_of, load_agent, open_run
from hyperrl.arguments import EPISODES, POINTS, SEED, to_int
from hyperrl.evaluation import ModelPolicy
from hyperrl.evaluation.front import Front, front_request, play_front, summarize_front
from hyperrl.evaluation.progress import Progress
from hyperrl.evaluation.rng import isolated_rng
from hyperrl.extras import refuse_missing
from hyperrl.store import Run, atomic_write, report_write_errors
from hyperrl.tasks import Family


@checked
def front(
    run: str | Path | Run,
    *,
    points: int = 11,
    context: Mapping[str, float] = MappingProxyType({}),
    reference: Mapping[str, float] | None = None,
    episodes: int | None = None,
    seed: int = 0,
    deterministic: bool = True,
    save: bool = True,
    checkpoint: str | int | None = None,
    allow_import: Sequence[str] = (),
    family: Family | None = None,
    progress: Progress | None = None,
) -> Front:
    """Play an agent at many weights of the reward's terms, as `hyperrl front` does.

    Which weights are on the front, and which of them at its knee, is chosen by starts that no evaluation
    meets; all that is reported is of other starts.

    Args:
        run: a run on a family with features that weigh terms.
        points: choices of weights, at least 2.
        context: values of the other features; those left out take their defaults.
        reference: the point by objective from which the hypervolume counts; what is left out lies below all
            points by a tenth of the objective's range.
        episodes: of each point; None: the family's.
        seed: of the reported starts.
        deterministic: take the most likely action rather than draw one.
        save: write `fronts/front-TIME.json` and `figures/front-TIME.png` into the run.
        checkpoint: as in `load`.
        allow_import: as in `load`.
        family: as in `load`.
        progress: called with the episodes' steps done and planned.

    Raises:
        UserError: as in `load`; a family whose features weigh no terms, or one objective alone; an unknown
            feature or objective; the extra `front` is missing.
    """
    refuse_missing("front", "front")
    points, seed = to_int("points", points, POINTS), to_int("seed", seed, SEED)
    opened = open_run(run, allow_import)
    own = family_of(opened, family)
    count = own.recipe.evaluation.episodes if episodes is None else to_int("episodes", episodes, EPISODES)
    request = front_request(own, points, context, reference, count, seed)
    with isolated_rng():
        agent = load_agent(opened, own, checkpoint)
    with isolated_rng(seed):
        objectives, played, chosen = play_front(
            ModelPolicy(agent.model, deterministic), own, request, progress
        )
    below, volume, knee = summarize_front(objectives, played, chosen, request.reference)
    found = Front(
        run=str(opened.path), agent=opened.spec.agent.name, family=own.name, checkpoint=agent.checkpoint,
        weights=request.weights, objectives=objectives, points=played, reference=below, hypervolume=volume,
        knee=knee, episodes=count, start_seed=seed,
    )  # fmt: skip
    return _saved(found, opened) if save else found


def _saved(found: Front, run: Run) -> Front:
    """The front with its files, which are written into the run."""
    from hyperrl.evaluation.figures.front import draw_front

    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}".replace(".", "-")
    numbers, figure = run.path / "fronts" / f"front-{stamp}.json", run.figures / f"front-{stamp}.png"
    found = replace(found, files=(numbers, figure))
    with report_write_errors("run", run.path):
        numbers.parent.mkdir(exist_ok=True)
        atomic_write(numbers, (json.dumps(found.to_json(), indent=1) + "\n").encode())
        draw_front(found, figure)
    return found
