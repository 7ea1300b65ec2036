from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperrl.errors import UserError
from hyperrl.evaluation import evaluate_tasks
from hyperrl.evaluation.context_shuffling import shuffled_contexts
from hyperrl.evaluation.task_selection import select_tasks
from hyperrl.tasks import Family
from tests.evaluation.conftest import Observation, drive

ODE = Family.load("ode")


@given(
    seed=st.integers(0, 2**32 - 1),
    splits=st.lists(st.sampled_from(["train", "interpolation", "extrapolation"]), unique=True),
    own=st.lists(st.integers(-40, 40), max_size=9),
)
@settings(max_examples=60, deadline=None)
def test_it_is_a_derangement_within_each_split(seed: int, splits: list[str], own: list[int]) -> None:
    contexts = [{"c0": value / 4} for value in own]
    if not splits and not own:
        return
    selection = select_tasks(ODE, splits, contexts)
    if len(set(own)) == 1:
        with pytest.raises(UserError, match="found a single task, that of contexts and sweep"):
            shuffled_contexts(selection, seed)
        return
    observed = shuffled_contexts(selection, seed)
    assert observed == shuffled_contexts(selection, seed)
    assert all(one != other for one, other in zip(selection.contexts, observed, strict=True))
    first = 0
    for split in splits:
        count = len(ODE.tasks(split))
        assert set(observed[first : first + count]) == set(ODE.tasks(split))
        first += count
    assert set(observed[first:]) == set(selection.contexts[first:])


def test_the_seed_chooses_and_other_splits_do_not_matter() -> None:
    one, both = (select_tasks(ODE, splits) for splits in (["extrapolation"], ["train", "extrapolation"]))
    assert shuffled_contexts(both, 3)[4:] == shuffled_contexts(one, 3)
    orders = [tuple(task["c0"] for task in shuffled_contexts(one, seed)) for seed in range(20)]
    assert len(set(orders)) > 10


def test_a_single_task_is_refused() -> None:
    with pytest.raises(UserError, match=r"^shuffle_contexts: found a single task, that of contexts"):
        shuffled_contexts(select_tasks(ODE, ["train"], [{"c0": 2}]), 0)
    alone = ODE.leave_out([{"c0": 5}])
    with pytest.raises(
        UserError, match="found a single task, that of the split 'interpolation'; allowed: two or"
    ):
        shuffled_contexts(select_tasks(alone, ["train", "interpolation"]), 0)


def test_environments_play_their_own_tasks_while_the_policy_observes_others() -> None:
    """Driven as if c0 had the other's value, x moves by its own."""
    tasks, observed = [{"c0": 2.0}, {"c0": 4.0}], [{"c0": 4.0}, {"c0": -2.0}]
    seen: list[Any] = []

    def act(observation: Observation) -> Any:
        seen.append(observation)
        return drive(observation)

    results = evaluate_tasks(act, ODE, tasks, episodes=2, observed=observed)
    wanted = np.array([0.8, 0.8, -0.4, -0.4], np.float32)
    assert all(np.array_equal(each["context"][:, 0], wanted) for each in seen)
    assert [result.context for result in results] == tasks
    assert [result.observed_context for result in results] == observed
    np.testing.assert_allclose(seen[1]["obs"][:, 0], [0.98, 0.98, 1.04, 1.04], rtol=1e-5)  # 1 + 0.01 c0 a0
    own = evaluate_tasks(drive, ODE, tasks, episodes=2)
    assert [result.oracle for result in results] == [result.oracle for result in own]
    assert results[1].mean < own[1].mean  # it is driven away from 0
    assert "observed_context" not in own[0].to_json()
    assert results[0].to_json()["observed_context"] == {"c0": 4.0}
