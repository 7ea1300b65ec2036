"""What a training says at its end: which commands use the run, and whether it learned anything."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hyperrl.errors import BaseEnvironmentError, UserError

if TYPE_CHECKING:
    from hyperrl.store import Run


def commands(run: Run) -> list[tuple[str, str]]:
    """Commands that use the run, each with its name."""
    from hyperrl.deploy.request import has_specialists
    from hyperrl.evaluation.playback import frame_rate
    from hyperrl.tasks import Family
    from hyperrl.tasks.contexts import assignment

    path, family = shlex.quote(str(run.path)), Family(run.spec.family)
    rows = [("evaluate", f"hyperrl evaluate {path}")]
    with suppress(UserError, BaseEnvironmentError):
        frame_rate(family)  # It raises where no pictures are rendered.
        rows.append(("watch", f"hyperrl watch {path}"))
    if has_specialists(run.spec.agent):
        tasks = (
            task for split in ("interpolation", "extrapolation", "train") for task in family.tasks(split)
        )
        context = shlex.quote(assignment(next(tasks)))
        rows.append(("specialize", f"hyperrl specialize {path} --context {context}"))
    return rows


def tracker_commands(run: Run) -> list[tuple[str, str]]:
    """Commands that show what trackers have in the run's folder, each with its name."""
    from hyperrl.training.trackers.mlflow import DATABASE

    rows, database = [], run.path.absolute() / DATABASE
    if any(run.path.glob("wandb/offline-run-*")):
        rows.append(("W&B", f"wandb sync {shlex.quote(str(run.path))}/wandb/offline-run-*"))
    if database.exists():
        uri = shlex.quote(f"sqlite:///{database}")
        rows.append(("MLflow", f"mlflow ui --backend-store-uri {uri}"))
    return rows


def warning(run: Run, final: Mapping[str, Any]) -> str | None:
    """A hint where no split's return became better than that of the untrained agent.

    Both returns are those of evaluations during training, which play the same starts.

    Args:
        run: a finished run.
        final: its evaluation at the end, which names the best weights.
    """
    from hyperrl.recipes import SPLITS

    evaluations, best = run.history("zero_shot/"), final["checkpoint"]["steps"]
    if 0 not in evaluations or len(evaluations) == 1:
        return None
    # Where the weights of step 0 are the best ones, no later ones did better on the validation tasks.
    after = evaluations.get(best or max(evaluations), {})
    pairs = {split: (evaluations[0][split], after[split]) for split in SPLITS if split in after}
    if best and any(now > before for before, now in pairs.values()):
        return None
    returns = ", ".join(
        f"on {split} from {before:.4g} to {now:.4g}" for split, (before, now) in pairs.items()
    )
    return (
        f"the agent did not get better than untrained ({returns}): train longer, by"
        f" `hyperrl train --resume {shlex.quote(str(run.path))} --steps N`, or change"
        " algorithm.learning_rate by --set"
    )
