"""What the evaluations of a training play."""

import pytest

from hyperrl.evaluation import plan
from hyperrl.evaluation.zero_shot import CHOICE_SEED, evaluate_tasks, start_seeds
from hyperrl.recipes import SPLITS, Splits
from hyperrl.tasks import Family
from tests.evaluation.conftest import balance


@pytest.fixture(scope="module")
def acrobot() -> Family:
    """A family whose environments are played one after the other, 500 steps each."""
    family = Family.load("acrobot")
    assert not family.batched
    return family


def steps_of(parts: list[plan.SplitPlan], family: Family) -> int:
    return sum(len(part.contexts) * part.episodes for part in parts) * family.max_steps


def played(parts: list[plan.SplitPlan]) -> dict[str, tuple[int, int]]:
    """Tasks and episodes of each, by split."""
    return {part.split: (len(part.contexts), part.episodes) for part in parts}


def test_a_batch_plays_every_task_and_chooses_by_more_episodes_from_starts_of_their_own(
    cartpole: Family,
) -> None:
    parts = plan.while_training(cartpole, 100_000)
    assert played(parts) == {
        "train": (32, 5), "validation": (16, 20), "interpolation": (32, 5), "extrapolation": (32, 5),
    }  # fmt: skip
    assert {part.split: part.seed for part in parts if part.seed} == {"validation": CHOICE_SEED}
    assert played(plan.at_the_end(cartpole, 100_000)) == {
        part.split: (len(part.contexts), 5) for part in parts
    }
    assert not any(part.seed for part in plan.at_the_end(cartpole, 100_000))
    task = cartpole.tasks("validation")[0]
    chosen_by = start_seeds(task, 20, CHOICE_SEED)
    assert not set(chosen_by) & set(start_seeds(task, 1000, 0))


def test_the_familys_own_number_of_episodes_counts(ode: Family) -> None:
    assert ode.recipe.evaluation.episodes == 1
    assert played(plan.while_training(ode, 1000)) == {
        "train": (4, 1), "validation": (8, 4), "interpolation": (6, 1), "extrapolation": (10, 1),
    }  # fmt: skip


def test_one_after_the_other_fewer_are_played(acrobot: Family) -> None:
    assert played(plan.while_training(acrobot, 200_000)) == {
        "train": (16, 1), "validation": (16, 4), "interpolation": (16, 1), "extrapolation": (16, 1),
    }  # fmt: skip
    assert played(plan.at_the_end(acrobot, 200_000)) == {
        "train": (32, 5), "validation": (16, 5), "interpolation": (32, 5), "extrapolation": (32, 5),
    }  # fmt: skip


@pytest.mark.parametrize("steps", [1, 500, 3_000, 12_000])
def test_after_a_short_training_evaluation_is_short_too(acrobot: Family, steps: int) -> None:
    for parts in (plan.while_training(acrobot, steps), plan.at_the_end(acrobot, steps)):
        assert steps_of(parts, acrobot) <= max(16_000, 10 * steps)
        assert all(part.contexts and part.episodes for part in parts)
        for part in parts:  # spread over the split, not its first few
            assert part.contexts[-1] == acrobot.tasks(part.split)[-1]
    few = plan.while_training(acrobot, 500)
    assert played(few)["validation"] == (8, 1)
    assert str(few[0]) == "train: 8 of 32 tasks, 1 episode each, starts of seed 0"


def test_splits_without_tasks_are_left_out() -> None:
    recipe = Family.load("ode").recipe
    splits = Splits.model_validate(dict.fromkeys(SPLITS[1:], ()) | {"train": recipe.splits.train})
    alone = Family(recipe.model_copy(update={"splits": splits}))
    for parts in (plan.while_training(alone, 1000), plan.at_the_end(alone, 1000)):
        assert played(parts) == {"train": (4, 1)}


def test_each_part_is_played_as_it_says_and_results_are_reported_apart(cartpole: Family) -> None:
    validation, trained = cartpole.tasks("validation")[:2], cartpole.tasks("train")[:3]
    parts = [
        plan.SplitPlan("train", trained, 32, 2),
        plan.SplitPlan("validation", validation, 16, 3, CHOICE_SEED),
    ]
    results = plan.play(balance, cartpole, parts)
    assert list(results) == ["train", "validation"]
    for part in parts:
        expected = evaluate_tasks(
            balance,
            cartpole,
            part.contexts,
            episodes=part.episodes,
            seed=part.seed,
            splits=[part.split] * len(part.contexts),
        )
        assert results[part.split] == expected


def test_spread_out_keeps_the_ends() -> None:
    assert plan.spread_out(range(5), 8) == [0, 1, 2, 3, 4]
    chosen = plan.spread_out(range(100), 32)
    assert (len(chosen), chosen[0], chosen[-1]) == (32, 0, 99)
    assert plan.spread_out(range(9), 1) == [0]


def test_one_task_alone_is_chosen_by_too_from_starts_of_its_own(cartpole: Family) -> None:
    one = cartpole.on_tasks(cartpole.tasks("interpolation")[:1])
    parts = plan.while_training(one, 100_000)
    assert played(parts) == {"train": (1, 5), "validation": (1, 20)}
    assert [part.seed for part in parts] == [0, CHOICE_SEED]
    assert played(plan.at_the_end(one, 100_000)) == {"train": (1, 5)}
