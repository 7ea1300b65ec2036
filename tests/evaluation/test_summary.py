from dataclasses import replace

import pytest

from hyperrl.evaluation import iqm, summarize
from tests.evaluation.test_report import evaluation, run, task


def test_a_run_is_summed_up_by_hand() -> None:
    splits = summarize(run(0).split_tasks)
    assert list(splits) == ["interpolation", "extrapolation"]
    # task means 5 and 9: mean 7, deviations 2 and 2, sample variance 8, standard error sqrt(8 / 2)
    # and Student's t of one degree of freedom is 12.706; within tasks variances 2 and 2: sqrt(4 / 2) / 2
    reach = 2 * 12.706204736432095
    assert splits["interpolation"] == {
        "tasks": 2, "episodes": 2, "mean": 7.0, "stderr": 2.0, "low": pytest.approx(7 - reach),
        "high": pytest.approx(7 + reach), "stderr_starts": pytest.approx(2**0.5 / 2), "iqm": 7.0,
        "oracle": 10.0, "worst": {"context": {"c0": 2.0}, "mean": 5.0, "oracle": 10.0, "of_oracle": 0.5},
    }  # fmt: skip
    assert (splits["extrapolation"]["stderr"], splits["extrapolation"]["oracle"]) == (0.0, None)
    alone = summarize([task(6.0, "extrapolation", [1.0])])["extrapolation"]
    assert [alone[key] for key in ("stderr", "low", "high", "stderr_starts")] == [None] * 4


def test_several_runs_are_summed_up_over_runs() -> None:
    runs = [run(0), run(1, shift=1.0), run(2, shift=5.0)]
    split = summarize(*(each.split_tasks for each in runs))["interpolation"]
    # the runs' means are 7, 8 and 12: mean 9, squares 4 + 1 + 9 = 14, variance 7; the tasks' 7 and 11,
    # variance 8; nothing is left over: sqrt(7 / 3 + 8 / 2)
    assert split["mean"] == 9.0
    assert split["stderr"] == pytest.approx((7 / 3 + 4) ** 0.5, rel=1e-14)
    assert split["iqm"] == iqm([5, 9, 6, 10, 10, 14])
    low, high = split["iqm_interval"]
    assert 7.0 <= low < split["iqm"] < high <= 12.0


def test_the_worst_task_is_named_whatever_the_mean_says() -> None:
    """A controller that fails on one of ten tasks: the interquartile mean does not see it."""
    good = [task(float(c0), "train", [100.0], oracle=100.0) for c0 in range(1, 10)]
    small = task(0.5, "train", [8.0], oracle=8.0)  # little can be earned there, and all of it is
    bad = task(10.0, "train", [43.0], oracle=100.0)
    result = summarize([small, *good, bad])["train"]
    assert result["iqm"] == 100.0
    assert result["worst"] == {"context": {"c0": 10.0}, "mean": 43.0, "oracle": 100.0, "of_oracle": 0.43}
    unknown = [task(c0, "train", [mean], oracle=None) for c0, mean in ((1.0, 5.0), (2.0, -3.0))]
    assert summarize(unknown)["train"]["worst"]["context"] == {"c0": 2.0}
    fine = replace(bad, returns=[99.0])
    several = [replace(run(seed), split_tasks=[small, *good, last]) for seed, last in ((4, fine), (7, bad))]
    result = evaluation(*several).splits["train"]
    assert (result["worst"]["mean"], result["worst"]["seed"]) == (43.0, 7)


def test_runs_on_other_tasks_are_no_seeds() -> None:
    with pytest.raises(ValueError, match="same tasks"):
        summarize(run(0).split_tasks, run(1).split_tasks[1:])
