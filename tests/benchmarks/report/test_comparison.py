import math

import numpy as np
import pytest

from benchmarks.report.comparison import difference, estimate, steps_until, there
from benchmarks.report.goals import spell
from benchmarks.report.records import load
from benchmarks.report.results import Site
from hyperrl.tasks import Family
from tests.benchmarks.conftest import made_up, put


def test_a_difference_has_the_interval_of_the_difference() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(10, 1, (5, 20)), rng.normal(7, 1, (5, 20))
    gap = difference(one, other)
    assert gap.value == pytest.approx(estimate(one).value - estimate(other).value)
    assert gap.low < gap.value < gap.high
    assert gap.low > 2
    assert gap.high < 4
    back = difference(other, one)
    assert back.value == pytest.approx(-gap.value)
    assert back.high < 0


def test_equal_agents_do_not_differ() -> None:
    rng = np.random.default_rng(1)
    gap = difference(rng.normal(0, 1, (5, 20)), rng.normal(0, 1, (5, 20)))
    assert gap.low < 0 < gap.high


def test_one_seed_gives_no_interval() -> None:
    gap = difference(np.full((1, 4), 3.0), np.full((1, 4), 1.0))
    assert (gap.value, gap.low, gap.high, gap.runs) == (2.0, 2.0, 2.0, 1)


def test_steps_until_a_return_is_first_reached(site: Site) -> None:
    family = Family.load("double-integrator")
    for seed, solved in enumerate((1, 2, 3)):
        put(site, made_up("hyper-ppo", family, seed, 100.0, solved))
    put(site, made_up("concat-ppo", family, 0, 40.0))
    (results,) = load(site.data / "learning")
    level = there(results)
    assert level == pytest.approx(90.0, abs=0.1)
    took = [steps_until(curve, level) for curve in results.curves("hyper-ppo", "interpolation")]
    assert took == [1000, 2000, 3000]
    assert spell(took) == "2,000 [1,000 to 3,000]"
    assert steps_until(results.curves("concat-ppo", "interpolation")[0], level) == math.inf
    assert spell([math.inf, math.inf]) == "never"
    assert spell([1000, math.inf, math.inf]) == "never [1,000 to never]"


def test_agents_are_compared_on_the_seeds_that_both_have(site: Site) -> None:
    family = Family.load("double-integrator")
    for seed in (0, 1, 4):
        put(site, made_up("hyper-ppo", family, seed, 50.0))
    for seed in (1, 2, 4):
        put(site, made_up("concat-ppo", family, seed, 40.0))
    (results,) = load(site.data / "learning")
    one, other = results.paired("hyper-ppo", "concat-ppo", "interpolation")
    assert one[:, 0].tolist() == [50.01, 50.04]
    assert other[:, 0].tolist() == [40.01, 40.04]
