"""The arguments of `hyperrl identify`, checked before any work is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperrl.arguments import PARTICLES, SEED, TRANSITIONS, finite, to_int
from hyperrl.errors import UserError, user_syntax
from hyperrl.identify.files import read_log
from hyperrl.identify.inference import Settings
from hyperrl.identify.prior import Within
from hyperrl.identify.transitions import Transitions, known_names, read_transitions
from hyperrl.store import new_file
from hyperrl.tasks import Family

MODELS = ("dynamics", "learned")
RANGES = ("declared", "training")
LEVEL = finite(above=0, below=1)


@dataclass(frozen=True)
class IdentifyRequest:
    """The arguments of `hyperrl identify`, checked.

    Attributes:
        family: as its base environment is, without an agent's wrappers and stacked frames.
        source: where the transitions come from.
        transitions: those that are used.
        recorded: how many there were.
        settings: of the inference.
        out: a file to write; None: none.
    """

    family: Family
    source: str
    transitions: Transitions
    recorded: int
    settings: Settings
    out: Path | None


def identify_request(
    family: Family,
    data: str | Path | Mapping[str, Any],
    *,
    particles: int,
    transitions: int,
    level: float,
    within: Within,
    seed: int,
    out: str | Path | None,
    force: bool,
) -> IdentifyRequest:
    """Check the arguments and read the transitions.

    Args:
        family: without an agent's wrappers and stacked frames.
        data: a file, or arrays by name.
        particles: of the posterior.
        transitions: used at most.
        level: probability of the intervals.
        within: the ranges that are possible.
        seed: of the draws.
        out: a new file, ending in .json; None: none is written.
        force: replace a file that exists.

    Raises:
        UserError: a number out of range, a file that exists, or transitions as `read_transitions` refuses
            them.
    """
    settings = check_settings(particles, transitions, level, within, seed)
    path = None if out is None else new_file(out, Path(out), ".json", force)
    log = read_log(data, known_names(family))
    recorded = read_transitions(log, family)
    used = recorded.thinned(settings.most)
    source = str(data) if isinstance(data, str | Path) else "arrays"
    return IdentifyRequest(family, source, used, len(recorded), settings, path)


def check_settings(particles: int, transitions: int, level: float, within: Within, seed: int) -> Settings:
    """The settings of an inference; UserError where one is out of range."""
    return Settings(
        to_int(user_syntax("particles", "--particles"), particles, PARTICLES),
        _level(level),
        within,
        to_int(user_syntax("seed", "--seed"), seed, SEED),
        to_int(user_syntax("transitions", "--transitions"), transitions, TRANSITIONS),
    )


def _level(level: float) -> float:
    if not LEVEL.holds(level):
        name = user_syntax("level", "--level")
        raise UserError(f"{name}: found {level!r}; allowed: a number above 0 and below 1")
    return float(level)
