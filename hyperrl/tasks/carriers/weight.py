"""The weight of a term of the reward carries a feature.

Linear scalarization of several objectives: Roijers et al., "A Survey of Multi-Objective Sequential
Decision-Making", JAIR 48, 2013, section 4. Weights that the policy sees: Abels et al., "Dynamic Weights in
Multi-Objective Deep Reinforcement Learning", ICML 2019.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.recipes import Context
from hyperrl.tasks.carriers.base import Carrier, Simulator
from hyperrl.tasks.dynamics import Dynamics, reward_splitter
from hyperrl.tasks.dynamics.base import ChangedActions, Constants, Floats

TERM_RETURN = "return."
"""In an info, before the name of a term of the reward: its sum since the episode's start, not weighed."""

REST = "rest"
"""Stands for what of the reward no feature weighs."""


def term_returns(info: Mapping[str, Any], terms: Sequence[str]) -> dict[str, float]:
    """The return of each term that features weigh, and of the rest, as an episode's last info tells them.

    Args:
        info: of the episode's end.
        terms: that features weigh; none: nothing is read.

    Returns:
        By term; empty where an agent's wrappers have left it out of the info.
    """
    keys = {term: f"{TERM_RETURN}{term}" for term in (*terms, REST)}
    if not terms or not {*keys.values()} <= info.keys():
        return {}
    return {term: float(info[key]) for term, key in keys.items()}


class WeightCarrier(Carrier):
    """Multiplies terms of the reward: adds (weight - 1) times each term to the base environment's reward.

    What no feature weighs so counts once. Infos keep the terms as they are, and get the sum of each
    since the episode's start ("return.reward_ctrl"), and that of the rest.
    """

    _weights: Mapping[str, float]
    _totals: dict[str, float]
    _split: Callable[[Any, float], dict[str, float]] | None

    def attach(self, simulator: Simulator) -> None:
        """See `Carrier.attach`."""
        super().attach(simulator)
        self._split, self._totals = reward_splitter(simulator.base), {}

    def begin(self) -> None:
        """Begin the sums of an episode."""
        self._totals = {}

    def apply(self, context: Context) -> None:
        """Take the weights."""
        self._weights = self._weights_in(context)

    def _weights_in(self, context: Context) -> dict[str, float]:
        """The weight of each term in a context."""
        weights = {}
        for name, feature in self.features.items():
            weights[str(feature.weighs)] = float(context[name])
            if feature.against is not None:
                weights[feature.against] = 1.0 - float(context[name])
        return weights

    def reward(self, reward: float, info: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        """The weighed reward, and the info with the sums of the terms.

        Raises:
            UserError: the environment's info lacks a term.
        """
        if self._split is not None:
            info = {**info, **self._split(self.simulator.base, reward)}
        self._refuse_without_terms(info)
        terms = {term: float(info[term]) for term in self._weights}
        parts = {**terms, REST: reward - sum(terms.values())}
        self._totals = {term: self._totals.get(term, 0.0) + part for term, part in parts.items()}
        weighed = reward + sum((self._weights[term] - 1.0) * part for term, part in terms.items())
        return weighed, {**info, **{f"{TERM_RETURN}{term}": total for term, total in self._totals.items()}}

    @staticmethod
    def rewards(
        carriers: Sequence[Any], rewards: NDArray[np.float64], info: dict[str, NDArray[Any]]
    ) -> tuple[NDArray[np.float64], dict[str, NDArray[Any]]]:
        """The rewards of several environments at once; raises as `reward`."""
        carriers[0]._refuse_without_terms(info)
        names = [*carriers[0]._weights]
        terms = np.stack([info[name].astype(np.float64) for name in names])
        weights = np.array([[each._weights[name] for name in names] for each in carriers]).T
        parts = [*terms, rewards - terms.sum(axis=0)]
        totals = {}
        for name, part in zip((*names, REST), parts, strict=True):
            for each, own in zip(carriers, part.tolist(), strict=True):
                each._totals[name] = each._totals.get(name, 0.0) + own
            totals[f"{TERM_RETURN}{name}"] = np.array([each._totals[name] for each in carriers])
        return rewards + ((weights - 1.0) * terms).sum(axis=0), {**info, **totals}

    def _refuse_without_terms(self, info: Mapping[str, Any]) -> None:
        for name, feature in self.features.items():
            for term in feature.terms:
                if term not in info:
                    known = [key for key in info if key.startswith("reward")]
                    allowed = f"one of {', '.join(known)}" if known else "environments whose infos tell terms"
                    raise UserError(
                        f"features.{name}.weighs: found {term!r}, which the base environment's infos do not"
                        f" have; allowed: {allowed}"
                    )

    def batched(self, dynamics: Dynamics) -> Dynamics | None:
        """Dynamics that weigh the terms, where these tell all of them."""
        terms = [term for feature in self.features.values() for term in feature.terms]
        return WeighedDynamics(dynamics, terms) if set(terms) <= set(dynamics.terms) else None

    def parameters(self, context: Context, read: Callable[[str], float], size: int) -> dict[str, float]:
        """The weight of each term: "weight.reward_effort" and so on."""
        return {f"weight.{term}": weight for term, weight in self._weights_in(context).items()}


class WeighedDynamics(ChangedActions):
    """Other dynamics with a weight on some terms of the reward: parameters `weight.reward_effort`, ...

    The last entries of a state are the sums of these terms since the start, and that of the rest.
    """

    terms: ClassVar[tuple[str, ...]] = ()

    def __init__(self, inner: Dynamics, weighed: Sequence[str]) -> None:
        """Take dynamics that tell the terms of their reward, and those that are weighed."""
        super().__init__(inner, {f"weight.{term}": 1.0 for term in weighed})
        self._names = (*weighed, REST)
        self._rows = [inner.terms.index(term) for term in weighed]

    def change(self, action: NDArray[Any], own: NDArray[np.float64]) -> NDArray[Any]:
        """Leave actions as they are."""
        return action

    def _inner(self, state: Floats) -> Floats:
        """The inner dynamics' part of states."""
        return state[:, : -len(self._names)]

    def start(self, rng: np.random.Generator, options: Mapping[str, Any] | None) -> Floats:
        """Draw the inner dynamics' start, with sums of 0."""
        return np.concatenate([self.inner.start(rng, options), np.zeros(len(self._names))])

    def step(
        self, state: Floats, action: NDArray[Any], context: Constants
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Advance, weigh the terms of the reward, and add them to their sums."""
        after, terms, terminated = self.inner.step_terms(self._inner(state), action, context)
        reward, weighed = terms.sum(axis=0), terms[self._rows]
        weights = np.stack([np.broadcast_to(context[name], reward.shape) for name in self.own])
        parts = np.concatenate([weighed, [reward - weighed.sum(axis=0)]])
        totals = state[:, -len(self._names) :] + parts.T
        return (
            np.concatenate([after, totals], axis=1),
            reward + ((weights - 1.0) * weighed).sum(axis=0),
            terminated,
        )

    def term_returns(self, state: Floats) -> dict[str, Floats]:
        """The sums of the terms."""
        return dict(zip(self._names, state[:, -len(self._names) :].T, strict=True))

    def measure(self, state: Floats) -> Floats:
        """Observe as the inner dynamics do."""
        return self.inner.measure(self._inner(state))

    def goals(self, state: Floats) -> dict[str, NDArray[np.float32]]:
        """Observe as the inner dynamics do."""
        return self.inner.goals(self._inner(state))

    def restore(self, observation: Mapping[str, NDArray[Any]]) -> Floats:
        """Restore as the inner dynamics do, with sums of 0."""
        state = self.inner.restore(observation)
        return np.concatenate([state, np.zeros((len(state), len(self._names)))], axis=1)
