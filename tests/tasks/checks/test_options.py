"""Which reset options a base environment reads."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

import hyperrl
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, check_family
from tests.tasks.faulty import Faulty


def family_of(base: str, attribute: str, train: tuple[float, float], **more: Any) -> Family:
    feature = {"about": "a feature", "default": train[0], "train": train, "attribute": attribute}
    return Family(
        parse_family(
            {"name": "mine", "about": "mine", "base": base, "features": {"this": feature}, **more}, "test"
        )
    )


@pytest.mark.parametrize(
    ("base", "attribute", "options"),
    [
        ("CartPole-v1", "gravity", {"low": -0.05}),
        ("Pendulum-v1", "g", {"x_init": 1, "y_init": 0.5}),
        ("MountainCarContinuous-v0", "power", {"high": -0.4, "low": -0.6}),
        ("hyperrl-base/double-integrator-v0", "mass", {"y": 0.9}),
    ],
)
def test_reset_options_that_the_base_reads_are_right(
    base: str, attribute: str, options: dict[str, float]
) -> None:
    """Where they are the base's own defaults too, which change nothing."""
    rows = check_family(family_of(base, attribute, (0.5, 1.5), evaluation={"options": options}))
    assert [row.subject for row in rows] == ["splits", "feature this"]


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (lambda options: "far" in options, []),
        (lambda options: options.get("near") or options["far"], []),
        (lambda options: options.pop("far"), []),
        (dict, ["evaluation.options"]),
        (lambda options: {"near": 0.0, **options}, ["evaluation.options"]),
        (lambda options: list(options.items()), ["evaluation.options"]),
        (deepcopy, ["evaluation.options"]),
    ],
)
def test_however_a_base_reads_its_options(read: Callable[[dict[str, Any]], Any], told: list[str]) -> None:
    """In the steps as well; what takes them all is not refused, and the report says what it could not see."""

    class Reading(Faulty):
        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            self.options = options
            return super().reset(seed=seed)

        def step(self, action: int) -> Any:
            if self.options:
                read(self.options)
                self.options = None
            return super().step(action)

    features = {"good": {"train": (0.5, 2.0)}}
    evaluation = {"options": {"far": 1.0}}
    rows = check_family(hyperrl.contextualize(Reading, features, max_steps=30, evaluation=evaluation))
    assert [row.subject for row in rows[1:-1]] == told
