"""A search space in Optuna's terms, and a trial's values as overrides of the recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from hyperrl.recipes.search import Categorical, Dimension


def distributions(space: Sequence[Dimension]) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each field; choices are JSON texts, since a choice may be a list."""
    return {dimension.name: _distribution(dimension) for dimension in space}


def own_values(space: Sequence[Dimension]) -> dict[str, Any]:
    """The recipe's own values, as a trial has them."""
    return {dimension.name: _stored(dimension, dimension.own) for dimension in space}


def overrides(space: Sequence[Dimension], values: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of a trial as `--set` takes them, `FIELD=VALUE`."""
    return tuple(
        f"{dimension.name}={value if isinstance(dimension.values, Categorical) else json.dumps(value)}"
        for dimension in space
        for value in (values[dimension.name],)
    )


def _distribution(dimension: Dimension) -> BaseDistribution:
    values = dimension.values
    if isinstance(values, Categorical):
        return CategoricalDistribution([json.dumps(choice) for choice in values.choices])
    if dimension.whole:
        step = 1 if values.step is None else int(values.step)
        return IntDistribution(int(values.low), int(values.high), log=values.log, step=step)
    return FloatDistribution(values.low, values.high, log=values.log, step=values.step)


def _stored(dimension: Dimension, value: Any) -> Any:
    if isinstance(dimension.values, Categorical):
        return json.dumps(value)
    return int(value) if dimension.whole else float(value)
