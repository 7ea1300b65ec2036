"""What is said at the end of a training: whether it learned anything, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hyperrl.errors import BaseEnvironmentError, UserError

if TYPE_CHECKING:
    from hyperrl.store import Run
    from hyperrl.tasks import Family

PICTURE = "rgb_array"


def commands(run: Run) -> list[tuple[str, str]]:
    """Commands that use the run, each with its name."""
    from hyperrl.tasks import Family

    path, family = shlex.quote(str(run.path)), Family(run.spec.family)
    found = [("evaluate", f"hyperrl evaluate {path}")]
    if _has_pictures(family):
        found.append(("watch", f"hyperrl watch {path}"))
    if _has_specialists(run):
        held_out = [
            task for split in ("interpolation", "extrapolation", "train") for task in family.tasks(split)
        ]
        context = ",".join(f"{name}={value:g}" for name, value in held_out[0].items())
        found.append(("specialize", f"hyperrl specialize {path} --context {shlex.quote(context)}"))
    return found


def warning(run: Run, final: Mapping[str, Any]) -> str | None:
    """A hint where no split's return got better than that of the untrained agent.

    Both returns are of the evaluations while it trained, which play the same starts.

    Args:
        run: a finished run.
        final: its evaluation at the end, which says which weights are the best.
    """
    from hyperrl.recipes import SPLITS

    evaluated, best = run.history("zero_shot/"), final["checkpoint"]["steps"]
    if 0 not in evaluated or len(evaluated) == 1:
        return None
    # Of the weights at step 0 as the best ones, no later ones did better on the validation tasks.
    after = evaluated.get(best or max(evaluated), {})
    pairs = {split: (evaluated[0][split], after[split]) for split in SPLITS if split in after}
    if best and any(now > value for value, now in pairs.values()):
        return None
    shown = ", ".join(f"{split} {value:.4g}, then {now:.4g}" for split, (value, now) in pairs.items())
    return (
        f"the agent did not get better than untrained ({shown}): train longer, by"
        f" `hyperrl train --resume {shlex.quote(str(run.path))} --steps N`, or change"
        " algorithm.learning_rate by --set"
    )


def _has_pictures(family: Family) -> bool:
    try:
        env = family.make()
    except (UserError, BaseEnvironmentError):
        return False
    env.close()
    return PICTURE in (env.metadata.get("render_modes") or ())


def _has_specialists(run: Run) -> bool:
    """Whether each task has a plain network of its own, without memory and not following the observation."""
    from hyperrl.recipes.policy import HyperPolicyRecipe

    policy, algorithm = run.spec.agent.policy, run.spec.agent.algorithm
    follows = isinstance(policy, HyperPolicyRecipe) and "state" in policy.hypernetwork.inputs
    return not follows and not algorithm.recurrent
