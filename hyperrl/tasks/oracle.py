"""The oracle of the `ode` families: the greatest return of an episode."""

from collections.abc import Mapping

import numpy as np

from hyperrl.recipes import Context, FamilyRecipe
from hyperrl.tasks.carriers import Carriers
from hyperrl.tasks.dynamics.ode import STEP_SECONDS, reward_of
from hyperrl.tasks.registration import batchable


def best_return(recipe: FamilyRecipe, carriers: Carriers, context: Context, steps: int) -> float | None:
    """Greatest undiscounted return of an evaluation episode of so many steps; None where it is not known."""
    start, dynamics = recipe.evaluation.options.get("x"), batchable(recipe)
    if start is None or dynamics is None:
        return None
    defaults = dynamics.parameters
    parameters = carriers.parameters(context, defaults.__getitem__)
    return ode_return({**defaults, **parameters}, start=start, steps=steps)


def fastest_rise(c0: float, c1: float, force: float) -> float:
    """Greatest value of x' = Re(c0 z + c1 z^2), z = force (a0 + i a1), over |a0|, |a1| <= 1.

    In reals x' = force c0 a0 + force^2 c1 (a0^2 - a1^2). For c1 >= 0 the best is a1 = 0 and |a0| = 1; for
    c1 < 0 it is |a1| = 1 and the top of a downward parabola in a0, at c0 / (2 force |c1|), or the nearer
    end.
    """
    linear, square = force * abs(c0), force * force * abs(c1)
    if c1 >= 0:
        return linear + square
    best = 1.0 if linear >= 2 * square else linear / (2 * square)
    return linear * best + square * (1 - best * best)


def ode_return(attributes: Mapping[str, float], *, start: float, steps: int) -> float:
    """Greatest undiscounted return of an `ode` episode.

    The speeds that actions can give do not depend on x and form an interval around 0 (the action set is
    connected and holds 0). So no policy can have |x_t| below max(0, |x_0| - t v), where v is the fastest
    step toward 0, and moving at v with an exact landing reaches that bound at every t at once. The reward
    never rises with |x|: this is optimal.

    The bound is followed step by step in the environment's own arithmetic, which decides on which side of a
    reward's threshold a distance of, say, 0.05 falls.

    Args:
        attributes: `force`, `c0` and perhaps `c1` of the environment.
        start: x at the start.
        steps: of the episode.
    """
    c0, c1, force = attributes["c0"], attributes.get("c1", 0.0), attributes["force"]
    toward = -1.0 if start > 0 else 1.0
    speed = fastest_rise(toward * c0, toward * c1, force)
    distances = np.empty(steps)
    distance = abs(start)
    for step in range(steps):
        distance = max(0.0, distance - STEP_SECONDS * speed)
        distances[step] = distance
    return float(reward_of(distances).sum())
