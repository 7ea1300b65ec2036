import pytest

from benchmarks.report import advice
from benchmarks.report.results import Site
from hyperrl.tasks import Family
from tests.benchmarks.conftest import made_up, put


@pytest.mark.parametrize(
    ("levels", "reason", "line"),
    [
        (
            {"concat-ppo": 9.0, "blind-ppo": 12.0},
            advice.NO_CONTEXT,
            "`blind-ppo` 12.01 / 12.01, `hyper-ppo` 10",
        ),
        (
            {"concat-ppo": 12.0, "blind-ppo": 9.0},
            advice.CONCATENATE,
            "`concat-ppo` 12.01 / 12.01, `hyper-ppo` 10",
        ),
        (
            {"concat-ppo": 9.0, "blind-ppo": 8.0},
            advice.GENERATE,
            "`concat-ppo` 9.01 / 9.01, `blind-ppo` 8.01",
        ),
    ],
)
def test_the_simplest_agent_that_is_good_enough_is_recommended(
    levels: dict[str, float], reason: str, line: str, site: Site
) -> None:
    family = Family.load("cartpole")
    for agent, level in {"hyper-ppo": 10.0, **levels}.items():
        for seed in range(3):
            put(site, made_up(agent, family, seed, level))
    first, second = advice.advice(site.learned().learning).splitlines()
    assert first == f"- {reason}:"
    assert second.startswith("  - `cartpole`: ")
    assert line in second


def test_without_a_baseline_there_is_no_advice(site: Site) -> None:
    put(site, made_up("hyper-ppo", Family.load("ode"), 0, 172.0))
    assert advice.advice(site.learned().learning) == ""
