from typing import Any

import pytest

from hyperrl.recipes import SuiteOracle, SuiteRecipe, load_suite, shipped
from tests.runs import message

BLOCK = {"agents": ["hyper-ppo"], "families": ["ode"], "seeds": 2}


def suite(**fields: Any) -> SuiteRecipe:
    return SuiteRecipe.parse({"name": "mine", "about": "", "runs": [{**BLOCK, **fields}]}, "mine.yaml")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (3, (0, 1, 2)),
        ([5, 2], (5, 2)),
        ({"from": 1000, "n": 3}, (1000, 1001, 1002)),
        ([2**32 - 1], (2**32 - 1,)),
    ],
)
def test_seeds(written: Any, meant: tuple[int, ...]) -> None:
    assert suite(seeds=written).runs[0].seeds == meant


def test_an_entry_is_a_name_or_a_changed_agent() -> None:
    changed = {"agent": "hyper-ppo", "name": "hyper-ppo rank 2", "overrides": ["policy.hypernetwork.rank=2"]}
    plain, other = suite(agents=["hyper-ppo", changed]).runs[0].agents
    assert (plain.agent, plain.name, plain.overrides) == ("hyper-ppo", None, ())
    assert other.model_dump() == {**changed, "overrides": ("policy.hypernetwork.rank=2",)}


SEEDS = (
    "allowed: a number of seeds from 1 to 10,000, a list of different seeds, or"
    " {from: first seed, n: how many}"
)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"seeds": 0}, f"seeds: found 0; {SEEDS}"),
        ({"seeds": True}, f"seeds: found true; {SEEDS}"),
        ({"seeds": []}, f"seeds: found []; {SEEDS}"),
        ({"seeds": [1, 1]}, f"seeds: found [1, 1]; {SEEDS}"),
        ({"seeds": {"from": 3}}, "seeds.n: missing"),
        ({"seeds": [-1]}, "seeds.0: found -1; allowed: a number >= 0"),
        ({"agents": []}, "agents: found []; allowed: at least 1 of them"),
        ({"agents": [3]}, "agents.0: found 3; allowed: a mapping with fields of agent, name, overrides"),
        ({"agents": [{"agent": "a", "nam": "b"}]}, "agents.0.nam: unknown field; did you mean 'name'?"),
        (
            {"agents": [{"agent": "a", "name": "a/b"}]},
            "agents.0.name: found \"a/b\"; allowed: at most 64 letters, digits, spaces, '-'",
        ),
        *(
            (
                {"agents": [{"agent": "a", "overrides": ["steps=1"], **name}]},
                f"agents.0.name: found {found}; allowed: a name of its own, as overrides",
            )
            for name, found in (({}, "null"), ({"name": "a"}, '"a"'))
        ),
        ({"families": []}, "families: found []; allowed: at least 1 of them"),
        ({"stps": 3}, "stps: unknown field; did you mean 'steps'?"),
        ({"steps": 0}, "steps: found 0; allowed: a number > 0"),
    ],
)  # fmt: skip
def test_mistakes_name_the_field(fields: dict[str, Any], says: str) -> None:
    assert message(suite, **fields).startswith(f"mine.yaml: runs.0.{says}")


@pytest.mark.parametrize(
    ("oracle", "expected"),
    [
        (None, None),
        ("specialist", SuiteOracle()),
        ({}, SuiteOracle(agent=None, tasks=3, steps=None, seed=0)),
        ({"agent": "concat-ppo", "tasks": 5, "steps": 1e4, "seed": 2},
         SuiteOracle(agent="concat-ppo", tasks=5, steps=10_000, seed=2)),
    ],
)  # fmt: skip
def test_an_oracle(oracle: Any, expected: SuiteOracle | None) -> None:
    data = {"name": "x", "about": "", "runs": [{"agents": ["a"], "families": ["f"], "seeds": 1}]}
    assert SuiteRecipe.parse({**data, "oracle": oracle}, "x").oracle == expected


@pytest.mark.parametrize(
    ("oracle", "says"),
    [
        (
            "best",
            'oracle: found "best"; allowed: specialist, or a mapping with fields of agent, tasks, steps',
        ),
        (3, "oracle: found 3; allowed: specialist, or"),
        ({"task": 3}, "oracle.task: unknown field; did you mean 'tasks'?"),
        ({"tasks": 0}, "oracle.tasks: found 0; allowed: a number > 0"),
    ],
)
def test_mistakes_in_an_oracle(oracle: Any, says: str) -> None:
    data = {"name": "x", "about": "", "runs": [{"agents": ["a"], "families": ["f"], "seeds": 1}]}
    assert message(SuiteRecipe.parse, {**data, "oracle": oracle}, "x").startswith(f"x: {says}")


@pytest.mark.parametrize("name", shipped("suites"))
def test_those_that_come_with_the_library(name: str) -> None:
    found = load_suite(name)
    assert (found.name, bool(found.about)) == (name, True)


def test_the_suite_of_the_paper() -> None:
    ppo, _, mujoco, sac = load_suite("paper").runs
    assert ppo.seeds == tuple(range(1000, 1010))
    assert (len(ppo.agents), len(ppo.families)) == (7, 6)
    assert (mujoco.overrides, mujoco.steps) == (("normalize=true",), 1_000_000)
    assert len(sac.seeds) == len(sac.families) == 3
