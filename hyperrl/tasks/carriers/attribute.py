"""An attribute of the base environment, or an entry of one, carries a feature."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from numbers import Integral
from typing import Any

import gymnasium as gym
import numpy as np

from hyperrl.errors import UserError, did_you_mean
from hyperrl.recipes import Context, Derived, Feature
from hyperrl.tasks import paths
from hyperrl.tasks.carriers.base import Carrier, Simulator, Trial
from hyperrl.tasks.carriers.construction import check_construction
from hyperrl.tasks.dynamics import Dynamics
from hyperrl.tasks.simulators.models import compiled_field, model_of, remedy, stale_constants


class AttributeCarrier(Carrier):
    """Sets attributes to the values, and then those that the family's file derives from them.

    Attributes:
        paths: feature to its attribute.
    """

    _values: Mapping[str, float]

    def __init__(self, features: Mapping[str, Feature], derived: Mapping[str, Derived]) -> None:
        """See `Carrier`."""
        super().__init__(features, derived)
        self.paths = {name: feature.attribute or name for name, feature in features.items()}
        self._names = {path: name for name, path in self.paths.items()}
        self._written = (*self._names, *derived)
        sources = (source for rule in derived.values() for source in rule.sources)
        self._touched = tuple(dict.fromkeys((*self._written, *sources)))

    def attach(self, simulator: Simulator) -> None:
        """See `Carrier.attach`; notes of which type each attribute is."""
        super().attach(simulator)
        with simulator.naming_failures("as its attributes are read"):
            for path in self._touched:
                self._check_attribute(simulator.base, path)
            self._casts = {path: _cast_like(paths.read(simulator.base, path)) for path in self._written}

    def apply(self, context: Context) -> None:
        """See `Carrier.apply`; raises BaseEnvironmentError where a property of the base fails."""
        base = self.simulator.base
        with self.simulator.naming_failures("as the task is set"):
            self._values = self.parameters(context, partial(paths.read, base), 0)
            for path, value in self._values.items():
                try:
                    paths.write(base, path, self._casts[path](value))
                except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                    raise UserError(
                        f"{type(base).__name__}.{path} cannot be set to {value:g}: {error}"
                    ) from error

    def find_undone(self) -> str | None:
        """See `Carrier.find_undone`."""
        for path, value in self._values.items():
            with self.simulator.naming_failures("as its attributes are read"):
                present = paths.read(self.simulator.base, path)
            if present != value:
                difference = f"{path!r} was set to {value:g} and is {present!r} in the episode"
                late = path in self._names and self.features[self._names[path]].at == "start"
                advice = "; allowed: 'at: start', which sets it once more after each reset"
                return difference if late else difference + advice
        return None

    def owns(self, attribute: str) -> bool:
        """See `Carrier.owns`."""
        return any(attribute == path.partition(".")[0] for path in self._written)

    def batched(self, dynamics: Dynamics) -> Dynamics | None:
        """The dynamics themselves, where all attributes are parameters of theirs."""
        return dynamics if set(self._touched) <= set(dynamics.parameters) else None

    def parameters(self, context: Context, read: Callable[[str], float], size: int) -> dict[str, float]:
        """The value of each attribute, derived ones last; `read` gives what no feature sets."""
        values = {path: float(context[name]) for name, path in self.paths.items()}
        for target, rule in self.derived.items():
            values[target] = _derive(rule, lambda path: values[path] if path in values else read(path))
        return values

    def what(self, name: str) -> str:
        """See `Carrier.what`."""
        return f"feature {name!r} (attribute {self.paths[name]!r})"

    def counts(self, name: str) -> bool:
        """See `Carrier.counts`."""
        return isinstance(paths.read(self.simulator.base, self.paths[name]), Integral)

    def check(self, trial: Trial) -> None:
        """Refuse rules of `derived` that are not the base's, and attributes that leave something stale."""
        if self.derived:
            with trial.make_base() as env:
                self._check_derived(env.unwrapped)
        ends = {
            name: [trial.default | {name: value} for value in feature.values or feature.widest]
            for name, feature in self.features.items()
        }
        for name, feature in self.features.items():
            if feature.at != "start":
                check_construction(trial, name, ends[name], self.paths[name], self.what(name))
        for name in self.features:
            _check_model(trial, name, ends[name], self.paths[name], self.what(name))

    def _check_derived(self, base: gym.Env[Any, Any]) -> None:
        """Refuse a rule that does not give, of the base's own values, the base's own value."""
        for target, rule in self.derived.items():
            value, own = _derive(rule, partial(paths.read, base)), float(paths.read(base, target))
            if not math.isclose(value, own, rel_tol=1e-6, abs_tol=1e-12):
                raise UserError(
                    f"derived.{target}: found a rule that gives {value:g} of the base's own values;"
                    f" allowed: one that gives {own:g}, as the base has it"
                )

    def _check_attribute(self, base: gym.Env[Any, Any], path: str) -> None:
        """Refuse an attribute that the environment lacks, or that holds something else than a number."""
        what = f"feature {self._names[path]!r}" if path in self._names else "a derived attribute"
        if paths.has(base, path):
            _check_number(f"{what} needs", path, paths.read(base, path))
            return
        lacking = f"{what} needs an attribute {path!r}, which {type(base).__name__} lacks"
        if path in self._names:
            with suppress(Exception):  # a base whose reset fails says nothing of the attribute
                base.reset(seed=0)
            if paths.has(base, path):
                raise UserError(f"{lacking} before a reset; allowed: 'at: start', which sets it after each")
        raise UserError(f"{lacking}{_nearest(base, path)}")


def _derive(rule: Derived, read: Callable[[str], Any]) -> float:
    terms = [float(read(source)) for source in rule.sources]
    return float(sum(terms) if rule.sum else math.prod(terms))


def _cast_like(present: Any) -> Callable[[float], Any]:
    """Return what makes a feature's value of the type that its attribute has.

    Whole numbers and truth values keep their type where the value is whole, arrays without an axis theirs;
    every other attribute is set to a float.
    """
    kind = type(present)
    if isinstance(present, (Integral, np.bool_)):
        return lambda value: kind(int(value)) if value.is_integer() else value
    if isinstance(present, np.ndarray):
        return lambda value: np.array(value, present.dtype)
    return float


def _nearest(base: gym.Env[Any, Any], attribute: str) -> str:
    """The tail of a message: the names that are nearest to the first part of a path that leads nowhere."""
    here: Any = base
    for part in attribute.split("."):
        if not paths.has(here, part):
            return did_you_mean(part, _numbers(here))
        here = paths.read(here, part)
    return ""


def _numbers(holder: Any) -> list[str]:
    """Names of the numbers that a dictionary or an object holds."""
    if isinstance(holder, Mapping):
        entries = {str(name): value for name, value in holder.items()}
    else:
        inherited = {name: getattr(type(holder), name, None) for name in dir(type(holder))}
        entries = {**inherited, **getattr(holder, "__dict__", {})}
    return [name for name, value in entries.items() if isinstance(value, (int, float)) and name[:1] != "_"]


def _check_number(needs: str, attribute: str, value: Any) -> None:
    """Refuse an attribute that holds several numbers, or something else that one cannot take the place of."""
    if value is None or (hasattr(type(value), "__float__") and not np.ndim(value)):
        return
    if isinstance(value, (str, bytes)) or callable(value):
        holds = "text" if isinstance(value, (str, bytes)) else "a function"
    elif isinstance(value, (Mapping, Sequence, np.ndarray)):
        keys = list(value) if isinstance(value, Mapping) else list(range(len(value)))
        some = ", ".join(f"{attribute}.{key}" for key in keys[:3])
        allowed = f"; allowed: one of its entries, {some}{', ...' if len(keys) > 3 else ''}" if keys else ""
        holds = f"{len(keys)} {'entry' if len(keys) == 1 else 'entries'}{allowed}"
    else:
        holds = f"an object of type {type(value).__name__}"
    raise UserError(f"{needs} a number; {attribute!r} holds {holds}")


def _check_model(trial: Trial, name: str, contexts: Sequence[Context], path: str, what: str) -> None:
    """Refuse an attribute in a MuJoCo model from which others of the model were computed."""
    env = trial.env
    field = compiled_field(env.base, path)
    if field is not None:
        raise UserError(f"{what} leaves stale what MuJoCo computes from it; allowed: {remedy(field)}")
    if model_of(env.base) is None:
        return
    with trial.make_base() as plain:
        usual = stale_constants(plain.unwrapped)
    for context in contexts:
        env.apply(context)
        stale = sorted(stale_constants(env.base) - usual)
        if stale:
            some = ", ".join(stale[:3]) + (", ..." if len(stale) > 3 else "")
            raise UserError(
                f"{what} at {context[name]:g} leaves stale what MuJoCo computes from it ({some});"
                f" allowed: {remedy()}"
            )
    env.apply(trial.default)
