"""Finds what data tell of several features together and not of each: products, quotients, correlations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_TIGHT = 0.1
"""A combination counts as known where it varies by less than this part of what its features would make it
vary by, were they independent."""
_CORRELATED = 0.95
_LARGEST_POWER = 3


@dataclass(frozen=True)
class Combination:
    """Features of which the data tell one number together.

    Attributes:
        powers: the power of each in a product; none: they are correlated in another way.
        features: their names.
        spread: relative standard deviation of the product; without powers the correlation.
    """

    features: tuple[str, ...]
    powers: tuple[int, ...]
    spread: float

    @property
    def text(self) -> str:
        """The product as a formula, such as "m l^2" or "g / l"."""
        above, below = (
            " ".join(
                name if abs(power) == 1 else f"{name}^{abs(power)}"
                for name, power in zip(self.features, self.powers, strict=True)
                if power * sign > 0
            )
            for sign in (1, -1)
        )
        if not below:
            return above
        return f"{above} / ({below})" if " " in below else f"{above} / {below}"

    def sentence(self) -> str:
        """What the data tell, as a sentence."""
        names = f"{', '.join(self.features[:-1])} and {self.features[-1]}"
        if not self.powers:
            return f"{names} are known together only: their correlation is {self.spread:.2f}"
        return f"the data tell {self.text} to {_percent(self.spread)}, and not {names} by themselves"


def _percent(part: float) -> str:
    return "less than 0.1 %" if part < 1e-3 else f"{100 * part:.2g} %"


def find_combinations(names: Sequence[str], contexts: Floats, positive: Sequence[bool]) -> list[Combination]:
    """Find combinations among features that data leave open one by one.

    Args:
        names: these features, R of them.
        contexts: drawn from the posterior, (N, R).
        positive: which of the features are above 0 everywhere, so that products make sense.
    """
    places = [place for place, name in enumerate(names) if positive[place]]
    logs = np.log(np.where(positive, contexts, 1.0))
    found = list(_spanning(_products(logs, places, 2)))
    joined = {place for places_, _, _ in found for place in places_}
    rest = [place for place in places if place not in joined]
    for size in range(3, len(rest) + 1):
        found += list(_spanning(_products(logs, rest, size)))
        if len(found) > 0:
            break
    result = [
        Combination(tuple(names[place] for place in members), powers, spread)
        for members, powers, spread in found
    ]
    joined = {place for places_, _, _ in found for place in places_}
    for one, other in combinations(range(len(names)), 2):
        if one in joined and other in joined:
            continue
        correlation = _correlation(contexts[:, one], contexts[:, other])
        if abs(correlation) > _CORRELATED:
            result.append(Combination((names[one], names[other]), (), correlation))
    return result


_Product = tuple[tuple[int, ...], tuple[int, ...], float]


def _products(logs: Floats, places: Sequence[int], size: int) -> Iterator[_Product]:
    """Products of so many features that vary little: places, powers and relative standard deviation."""
    powers = [power for power in range(-_LARGEST_POWER, _LARGEST_POWER + 1) if power]
    for members in combinations(places, size):
        covariance = np.atleast_2d(np.cov(logs[:, members], rowvar=False))
        apart = np.diag(covariance)
        if not (apart > 0).all():
            continue
        tight: list[tuple[float, _Product]] = []
        for candidate in product(range(1, _LARGEST_POWER + 1), *[powers] * (size - 1)):
            if math.gcd(*candidate) > 1:
                continue
            vector = np.array(candidate, np.float64)
            variance = max(float(vector @ covariance @ vector), 0.0)
            part = math.sqrt(variance / float(np.square(vector) @ apart))
            if part < _TIGHT:
                tight.append((part, (members, candidate, math.sqrt(variance))))
        if tight:  # the simplest of those that are about as tight as the tightest
            least = min(part for part, _ in tight)
            near = [found for part, found in tight if part <= 2 * least]
            yield min(near, key=lambda found: sum(map(abs, found[1])))


def _spanning(found: Iterator[_Product]) -> Iterator[_Product]:
    """Those, the simplest first, that do not follow from the ones before them."""
    group: dict[int, int] = {}

    def root(place: int) -> int:
        while group.setdefault(place, place) != place:
            place = group[place]
        return place

    for members, powers, deviation in sorted(found, key=lambda each: (sum(map(abs, each[1])), each[2])):
        roots = {root(place) for place in members}
        if len(roots) == len(members):
            yield members, powers, deviation
            for each in roots:
                group[each] = min(roots)


def _correlation(one: Floats, other: Floats) -> float:
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
