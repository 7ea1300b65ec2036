import json
from dataclasses import replace

from hyperrl.evaluation.error_report import ErrorResult, summarize_error
from tests.evaluation.test_report import evaluation, run


def wrong(error: float, shift: float) -> ErrorResult:
    own = run(0, shift)
    return ErrorResult(error, 4, own.split_tasks, own.own_tasks)


def test_an_error_is_summed_up_as_the_contexts_as_they_are() -> None:
    summary = summarize_error([wrong(0.1, 1.0)], [0])
    assert (summary["error"], summary["draws"]) == (0.1, 4)
    assert summary["splits"] == evaluation(run(0, 1.0)).splits
    assert summary["own"]["mean"] == 100.0
    assert summary["tasks"][0] == {
        "context": {"c0": 2.0}, "split": "interpolation", "returns": [5.0, 7.0], "mean": 6.0,
    }  # fmt: skip
    alone = replace(wrong(0.1, 0.0), own_tasks=[])
    assert "own" not in summarize_error([alone], [0])


def test_json_has_the_errors_with_0_first() -> None:
    plain = evaluation(run(0))
    assert plain.to_json()["context_errors"] == []
    both = [
        replace(run(seed, shift), errors=(wrong(0.1, shift - 1), wrong(0.3, shift - 2)))
        for seed, shift in ((0, 0.0), (1, 4.0))
    ]
    errors = json.loads(json.dumps(evaluation(*both).to_json(), allow_nan=False))["context_errors"]
    assert [each["error"] for each in errors] == [0, 0.1, 0.3]
    assert [each["draws"] for each in errors] == [1, 4, 4]
    assert [each["splits"]["interpolation"]["mean"] for each in errors] == [9.0, 8.0, 7.0]
    assert errors[0]["splits"] == json.loads(json.dumps(evaluation(*both).splits))
    assert errors[1]["tasks"][0]["returns"] == [3.0, 5.0, 7.0, 9.0]
