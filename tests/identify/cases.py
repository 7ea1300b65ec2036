"""Recordings of tasks whose contexts are known."""

from typing import Any

import numpy as np

from hyperrl.identify.dynamics_model import DynamicsModel
from hyperrl.identify.inference import Posterior, Settings, infer
from hyperrl.identify.playing import play_tasks
from hyperrl.identify.prior import Prior
from hyperrl.identify.transitions import Transitions
from hyperrl.tasks import Family


def recorded(
    name: str, context: dict[str, float], seed: int = 0, noise: float = 0.0, most: int = 60
) -> Transitions:
    """The beginning of an episode of random actions; noise is a part of each observed number's deviation."""
    (found,) = play_tasks(Family.load(name), [context], seeds=[seed])
    found = found.rows(np.arange(min(len(found), most)))
    rng = np.random.default_rng(seed)

    def noisy(parts: Any) -> Any:
        return {
            key: part + noise * found.observations[key].std(axis=0) * rng.standard_normal(part.shape)
            for key, part in parts.items()
        }

    return Transitions(noisy(found.observations), found.actions, noisy(found.next_observations))


def posterior(name: str, transitions: Transitions, **settings: Any) -> Posterior:
    """What the family's own dynamics tell of a recording."""
    family = Family.load(name)
    options = Settings(**{"particles": 150, **settings})
    return infer(DynamicsModel(family, transitions), Prior(family.space, options.within), options)


def arrays_of(transitions: Transitions) -> dict[str, np.ndarray[Any, Any]]:
    """Transitions as the arrays of a recording."""
    return {
        **transitions.observations,
        "action": transitions.actions,
        **{f"next_{key}": part for key, part in transitions.next_observations.items()},
    }
