import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.learning import context_error, distill, family_transfer, jump, sequence, transfer
from benchmarks.learning.suite import encode
from benchmarks.learning.variants import FORMAT
from benchmarks.report import (
    beyond_section,
    context_error_section,
    controls_section,
    distill_section,
    family_transfer_section,
    hindsight_section,
    inferred_section,
    jump_section,
    sequence_section,
    transfer_section,
    variants,
)
from benchmarks.report.results import Site, differing, write
from benchmarks.report.variants import FamilyVariants, Interval
from hyperrl.errors import UserError
from hyperrl.evaluation.statistics import mean_error
from tests.benchmarks.report.test_identify_section import put as identified

SEEDS = (100, 101, 102)
TASKS = 4


def put(root: Path, family: str, seed: int, returns: dict[str, float], splits: tuple[str, ...]) -> Path:
    """A made-up result: what plays returns its number, a little more with each task and each seed."""
    rows = {
        name: [[value + 0.1 * task + 0.01 * seed + 0.001] for task in range(TASKS)]
        for name, value in returns.items()
    }
    contexts = [[float(task)] for task in range(TASKS)]
    result: dict[str, Any] = {
        "format": FORMAT, "family": family, "seed": seed, "agents": {"hyper": "hyper-ppo"},
        "planned_steps": 100, "episodes": 1,
        "splits": {split: {"contexts": contexts, "oracle": [None] * TASKS, **rows} for split in splits},
        "worst": {
            name: {
                split: {"context": {"g": 0.0}, "mean": row[0][0], "oracle": None, "of_oracle": None}
                for split in splits
            }
            for name, row in rows.items()
        },
    }  # fmt: skip
    path = root / family / f"seed-{seed}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(result))
    return path


def beyond(root: Path, family: str, linear: float, saturate: float, blind: float) -> FamilyVariants:
    returns = {"linear": linear, "saturate": saturate, "blind": blind}
    for seed in SEEDS:
        put(root, family, seed, returns, ("rim", "interpolation", "extrapolation"))
    return next(each for each in variants.load(root) if each.name == family)


def test_an_interval_is_that_of_seeds_and_tasks() -> None:
    scores = np.random.default_rng(0).normal(3.0, 1.0, (5, 16))
    found, wanted = Interval.of(scores), mean_error(scores[..., None], rare=False)
    assert (found.low, found.high) == (wanted.low, wanted.high)
    assert found.above
    assert not found.below
    assert str(Interval.of(np.array([[2.5]]))) == "2.50"
    assert Interval(-2.0, -3.0, -1.0).signed == "**-2 [-3, -1]**"
    assert Interval(0.5, -3.0, 4.0).signed == "+0.5 [-3, +4]"


def test_few_seeds_are_named(tmp_path: Path) -> None:
    for name, count in (("one", 1), ("two", 2), ("five", 5)):
        for seed in range(count):
            put(tmp_path, name, seed, {"hyper": 1.0}, ("train",))
    found = {each.name: each for each in variants.load(tmp_path)}
    assert variants.cautions([*found.values()]) == [
        "Of `one` there is one seed: its intervals are over tasks alone. Of `two` there are fewer than 5"
        " seeds."
    ]
    assert variants.cautions([found["five"]]) == []


def test_what_does_better_on_the_rim_is_chosen_by_family_and_for_all(tmp_path: Path) -> None:
    families = [
        beyond(tmp_path, "one", 1.0, 2.0, 0.0), beyond(tmp_path, "two", 1.0, 3.0, 9.0),
        beyond(tmp_path, "three", 2.0, 1.0, 0.0), beyond(tmp_path, "four", 2.0, 2.0, 0.0),
    ]  # fmt: skip
    assert [beyond_section.choice_of(each) for each in families] == [
        "saturate", "saturate", "linear", "either",
    ]  # fmt: skip
    suite = beyond_section.choice_of_suite({0.8: families})
    assert (suite.choice, suite.share.value) == ("saturate", (1 + 1 + 0 + 0.5) / 4)
    assert beyond_section.choice_of_suite({0.8: families[2:]}).choice == "linear"
    both = {0.8: families[2:], 0.5: [families[0]] * 2}
    assert beyond_section.choice_of_suite(both).share.value == pytest.approx((0 + 0.5 + 1) / 3)
    text = beyond_section.section(both, [], None)
    assert text.count("| `one` |") == 2
    assert "shrunk to 50% of their width" in text
    text = beyond_section.section({0.8: families}, [], "By hand.\n")
    assert "saturating is clearly better on 2 of 4 families, and clearly worse on 1." in text
    assert "clearly better outside on 1 of 4 families: `two` by +6 [+6, +6]. On `two` it is so inside" in text
    assert "effort" not in text
    assert text.endswith("\n\nBy hand.\n")


def test_agents_without_a_price_on_effort_are_compared_on_the_seeds_that_both_have(tmp_path: Path) -> None:
    priced = beyond(tmp_path / "priced", "one", 1.0, 2.0, 0.0)
    for seed in (101, 102, 103):
        put(tmp_path / "free", "one", seed, {"linear": 4.0, "saturate": 3.5}, ("rim", "extrapolation"))
    text = beyond_section.section({0.8: [priced]}, variants.load(tmp_path / "free"), None)
    (row,) = [line for line in text.splitlines() if line.startswith("| `one` | 101 to 102 |")]
    assert "**+1.5 [+1.5, +1.5]**" in row
    assert "**+3 [+3, +3]**" in row
    assert "clearly better on the rims of 1 of 1 families, and clearly worse on 0." in text


def test_controls_say_whether_returns_fall_to_the_blind_agents(tmp_path: Path) -> None:
    for family, shuffled in (("one", 1.0), ("two", 3.0)):
        for seed in SEEDS:
            put(tmp_path, family, seed, {"own": 5.0, "shuffled": shuffled, "blind": 2.0}, ("train",))
    text = controls_section.section(variants.load(tmp_path), None)
    assert "falls to the blind one's return or below on 1 of 2 splits." in text
    assert "**-1 [-1, -1]** |" in text


def test_hindsight_is_worth_its_difference(tmp_path: Path) -> None:
    for split, plain in (("train", -50.0), ("interpolation", -20.0)):
        for seed in SEEDS:
            scores = {"hindsight": -20.0, "plain": plain, "concat": -25.0}
            put(tmp_path / split, "one", seed, scores, (split,))
    families = [each for split in ("train", "interpolation") for each in variants.load(tmp_path / split)]
    text = hindsight_section.section(families, "By hand.")
    assert "With hindsight the return is higher on 1 of 2 splits." in text
    assert "**+30 [+30, +30]** |" in text
    assert "| +0 [+0, +0] |" in text
    assert text.endswith("\n\nBy hand.\n")


def test_inference_is_compared_by_kind_of_policy(tmp_path: Path) -> None:
    scores = {
        "off-policy": {"hyper": 9.0, "concat": 4.0, "blind": 3.0, "context": 9.5},
        "on-policy": {"hyper-memory": 5.0, "plain-memory": 5.0},
    }
    for policy, means in scores.items():
        for seed in SEEDS:
            put(tmp_path / policy, "one", seed, means, ("train",))
    text = inferred_section.section({policy: variants.load(tmp_path / policy) for policy in scores}, None)
    assert "`hyper-sac-inferred` is clearly better than `concat-sac-inferred` on 1 of 1 splits, and" in text
    assert "than `blind-recurrent-ppo` on 0 of 1 splits, and clearly worse on 0." in text
    assert "**+5 [+5, +5]** |" in text


def test_wrong_contexts_cost_what_they_do(tmp_path: Path) -> None:
    for seed in SEEDS:
        scores = {
            context_error.at(role, error): level - 10 * error * (role == "hyper")
            for role, level in {"hyper": 9.0, "noisy": 8.0, "concat": 5.0, "blind": 1.0}.items()
            for error in context_error.ERRORS
        }
        put(tmp_path, "one", seed, scores, ("interpolation", "extrapolation"))
    text = context_error_section.section(variants.load(tmp_path), "By hand.")
    assert "Training with noise makes returns clearly higher on 2 of 8 lines, and clearly lower on 4." in text
    assert text.count("**-1 [-1, -1]** |") == 2
    assert text.count("**+1 [+1, +1]** |") == 2
    assert text.endswith("\n\nBy hand.\n")


def test_jumps_are_reported_with_how_soon_agents_recover(tmp_path: Path) -> None:
    scores = {"hyper": 9.0, "hyper-jump": 8.0, "concat": 9.0, "concat-jump": 3.0}
    scores |= {"blind": 5.0, "blind-jump": 2.0}
    for seed, steps in zip(SEEDS, (4.0, 6.0, None), strict=True):
        path = put(tmp_path, "one", seed, scores, ("train",))
        recovery = {"before": 1.0, "recovered": 0.5, "steps": steps}
        curves = {role: {"train": {"recovery": recovery}} for role in jump.ROLES}
        path.write_bytes(encode({**json.loads(path.read_text()), "over_time": curves}))
    text = jump_section.section(variants.load(tmp_path), None)
    assert "`hyper-ppo` is better than `concat-ppo` on 1 of 1 splits." in text
    assert text.count("| 1.00 | 50% | 5.00 |") == 3


def test_tuning_is_worth_its_gain(tmp_path: Path) -> None:
    for seed in SEEDS:
        scores = dict(zip(transfer.WAYS, (1.0, 4.0, 1.0, 2.0, 0.0, 1.0), strict=True))
        path = put(tmp_path, "one", seed, scores, ("extrapolation",))
        path.write_bytes(encode({**json.loads(path.read_text()), "tuning_steps": 50_000}))
    text = transfer_section.section(variants.load(tmp_path), None)
    assert "for 50,000 steps" in text
    assert "**+3 [+3, +3]** |" in text
    assert "| +0 [+0, +0] |" in text
    assert "**-1 [-1, -1]** |" in text


def test_distillation_is_compared_with_reinforcement_learning(tmp_path: Path) -> None:
    for family, student in (("one", 4.0), ("two", 9.0)):
        for seed in SEEDS:
            scores = {distill.HYPER: student, distill.RL: 6.0, distill.CONCAT: 5.0, distill.NEAREST: 1.0}
            path = put(tmp_path, family, seed, scores, ("train", "extrapolation"))
            noted = {
                "steps_of": {"rl": 9000, "specialists": 8000, "shown": 800},
                "seconds_of": {"specialists": 10.0, "students": 5.0},
            }
            path.write_bytes(encode({**json.loads(path.read_text()), **noted}))
    text = distill_section.section(variants.load(tmp_path), "By hand.")
    worse = "clearly better on 2 of 4 splits: `one` (train), `one` (extrapolation); distillation is clearly"
    assert f"{worse} better on 2." in text
    assert "weights is clearly better on 2 of 4 splits, and the one that concatenates on 2." in text
    assert "| `one` | 9,000 | 8,000 | 800 | 30 | 15 |" in text
    assert text.endswith("\n\nBy hand.\n")


def test_weights_of_another_family_are_worth_the_steps_that_they_save(tmp_path: Path) -> None:
    ends = {family_transfer.MOVED: 10.0, family_transfer.SCRATCH: 8.0}
    for seed, moved in zip(SEEDS, ([0.0, 9.5, 10.0], [9.0, 9.5, 10.0], [0.0, 0.0, 0.0]), strict=True):
        path = put(tmp_path, "one", seed, ends, ("interpolation",))
        curves = {
            family_transfer.MOVED: {"steps": [0, 1000, 2000], "interpolation": moved},
            family_transfer.SCRATCH: {"steps": [0, 1000, 2000], "interpolation": [0.0, 1.0, 10.0]},
        }
        more = {"source": "two", "curves": curves}
        path.write_bytes(encode({**json.loads(path.read_text()), **more}))
    text = family_transfer_section.section(variants.load(tmp_path), None)
    assert "agents were there sooner in 2 of 3 seeds and splits." in text
    line = "| `one` | `two` | interpolation | 3 | 3.00 | 0.000 | 1,000 [0, never] | 2,000 [2,000, 2,000] |"
    assert line in text
    assert "**+2 [+2, +2]** |" in text


def test_results_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    beyond(tmp_path, "one", 1.0, 2.0, 0.0)
    path = tmp_path / "one" / "seed-101.json"
    good = json.loads(path.read_text())
    for change, words in (
        ({"planned_steps": 7}, "seeds 100 and 101 differ in their planned_steps"),
        ({"splits": {"rim": {"contexts": [[9.0]]}}}, "seeds 100 and 101 differ in their tasks"),
        ({"format": 9}, "not a result of format 1"),
        ({"seed": 5}, "is of one / seed-5"),
    ):
        path.write_bytes(encode({**good, **change}))
        with pytest.raises(UserError, match=words):
            variants.load(tmp_path)
    path.write_text("{")
    with pytest.raises(UserError, match="not JSON"):
        variants.load(tmp_path)


def test_the_page_has_these_sections_where_there_are_results(filled: Site) -> None:
    beyond(filled.data / "beyond", "ode", 1.0, 2.0, 0.0)
    put(filled.data / "controls", "ode", 200, {"own": 5.0, "shuffled": 1.0, "blind": 2.0}, ("train",))
    scores = {"hindsight": 5.0, "plain": 1.0, "concat": 2.0}
    put(filled.data / "hindsight", "point-reach", 300, scores, ("train",))
    inferring = {"hyper-memory": 5.0, "plain-memory": 1.0}
    put(filled.data / "inferred" / "on-policy", "ode", 400, inferring, ("train",))
    identified(filled.data / "identify", "ode", "dynamics", 0)
    from tests.benchmarks.report.test_adapt_section import results as adapted

    adapted(filled.data / "adapt", "ode", 100.0, (0.0, 98.0, 99.0, 100.0), 0.0)
    assert filled.page in differing(filled)
    write(filled)
    page = filled.page.read_text()
    titles = (
        "Beyond the training ranges", "What returns are owed to", "What hindsight is worth",
        "What inferring a hidden context is worth",
        "What identification tells",
        "What identifying an unknown task is worth",
        "What the runs took",
    )  # fmt: skip
    order = [page.index(f"## {title}") for title in titles]
    assert order == sorted(order)
    assert differing(filled) == []


def test_what_keeps_an_agent_from_forgetting_is_compared_with_fine_tuning(tmp_path: Path) -> None:
    for seed in SEEDS:
        scores = dict(zip(sequence.WAYS, (4.0, 3.0, 1.0, 2.0, 5.0), strict=True))
        path = put(tmp_path, "one", seed, scores, ("train",))
        returns = {"returns": [[1.0, 2.0], [9.0, 5.0], [6.0, 8.0]]}
        noted = {"sequence": dict.fromkeys(sequence.WAYS, returns), "planned_steps": 7000}
        path.write_bytes(encode({**json.loads(path.read_text()), **noted}))
    text = sequence_section.section(variants.load(tmp_path), "By hand.")
    assert "in 7,000 steps" in text
    rows = {line.split(" | ")[1]: line.split(" | ") for line in text.splitlines() if "`one` |" in line}
    assert rows["output regularizer"][4] == "**+2 [+2, +2]**"
    assert rows["output regularizer"][5].startswith("3.00 [")
    assert rows["fine-tuning"][4] == ""
    assert rows["all tasks at once"][4] == "**+3 [+3, +3]**"
    assert text.endswith("By hand.\n")
