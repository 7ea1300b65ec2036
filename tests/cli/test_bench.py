import json
from pathlib import Path
from typing import Any

import pytest

from hyperrl.cli import main
from hyperrl.experiments import SuiteReport, jobs_of
from hyperrl.experiments.bench import Failure
from hyperrl.recipes import load_suite
from tests.cli.calls import arguments_of, assert_defaults


def test_options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = arguments_of(
        monkeypatch, "bench", "smoke", "--jobs", 3, "--out", tmp_path, "--results", "r", "--shard", "2/5",
        "--engine", "ray", "--ray-address", "head:6379", "--json",
    )  # fmt: skip
    assert given == {
        "": (load_suite("smoke"),), "jobs": 3, "out": str(tmp_path), "results": "r", "shard": (2, 5),
        "engine": "ray", "ray_address": "head:6379",
    }  # fmt: skip
    plain = arguments_of(monkeypatch, "bench", "smoke")
    assert_defaults("bench", plain)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["smok"], "unknown suite 'smok'; did you mean 'smoke'? known: ablation, paper, protocols, smoke"),
        (["smoke", "--jobs", "0"], "--jobs: found '0'; allowed: a whole number from 1 to 10,000"),
        (["smoke", "--shard", "3"], "--shard: found '3'; allowed: i/n with i from 1 to n (say 1/8)"),
        (
            ["smoke", "--engine", "rya"],
            "--engine: found 'rya'; did you mean 'ray'? allowed: 'processes', 'ray'",
        ),
        (
            ["smoke", "--ray-address", "head:6379"],
            "--ray-address: found 'head:6379'; allowed: with --engine ray alone",
        ),
        (["smoke", "--shard", "9/8"], "--shard: found '9/8'; allowed: i/n with i from 1 to n (say 1/8)"),
    ],
)
def test_mistakes(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *arguments]) == 2
    assert capsys.readouterr() == ("", f"hyperrl: error: {says}\n")


SPLIT = {"iqm": 12.3456, "iqm_interval": (10.0, 14.5)}


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What `api.bench` returns: `failures`, and `rows` of the table."""
    jobs = tuple(jobs_of(load_suite("smoke"), tmp_path, tmp_path / "results"))
    content: dict[str, Any] = {
        "failures": (),
        "rows": [
            {
                "family": "ode",
                "agent": "one",
                "runs": 2,
                "planned": 2,
                "splits": {"train": SPLIT},
                "of_specialist": {},
            },
            {
                "family": "ode",
                "agent": "two",
                "runs": 1,
                "planned": 2,
                "splits": {"extrapolation": {"iqm": 3}},
                "of_specialist": {},
            },
        ],
    }

    def bench(*_: Any, **__: Any) -> SuiteReport:
        failures = tuple(Failure(jobs[0], "no oil", mistake) for mistake in content["failures"])
        return SuiteReport("smoke", tmp_path, tmp_path / "results", jobs, failures)

    monkeypatch.setattr("hyperrl.api.bench", bench)
    monkeypatch.setattr(SuiteReport, "table", lambda _: content["rows"])
    return content


def test_the_table(report: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "smoke"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert [line.split() for line in out.splitlines()[2:5]] == [
        ["family", "agent", "runs", "train", "extrapolation"],
        ["ode", "one", "2", "of", "2", "12.35", "[10,", "14.5]", "-"],
        ["ode", "two", "1", "of", "2", "-", "3"],
    ]
    assert out.splitlines()[-2:] == [f"runs     {tmp_path}", f"results  {tmp_path}/results"]


@pytest.mark.parametrize(("mistakes", "status"), [((True,), 2), ((False,), 1), ((True, False), 1)])
def test_failures_are_named_and_set_the_exit_status(
    mistakes: tuple[bool, ...],
    status: int,
    report: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report["failures"] = mistakes
    assert main(["bench", "smoke"]) == status
    assert "hyper-ppo on ode, seed 0: no oil\n" in capsys.readouterr().out, "where error.txt was not written"
    folder = tmp_path / "ode/hyper-ppo/seed-0"
    folder.mkdir(parents=True)
    (folder / "error.txt").touch()
    assert main(["bench", "smoke"]) == status
    assert f"hyper-ppo on ode, seed 0: no oil ({folder}/error.txt)" in capsys.readouterr().out
    assert main(["bench", "smoke", "--json"]) == status
    found = json.loads(capsys.readouterr().out)
    assert [each["mistake"] for each in found["failed"]] == list(mistakes)
    assert (found["runs"], found["finished"]) == (8, 3)
    assert found["table"][0]["splits"]["train"]["iqm_interval"] == [10, 14.5]


def test_shares_of_specialists_have_columns_of_their_own(
    report: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    share = {"value": 0.5, "low": None, "high": None}
    beside = {"tasks": 3, "specialist": 6.0, "mean": {"value": 3.0, "low": None, "high": None}}
    report["rows"][1]["of_specialist"] = {"extrapolation": {**beside, "share": share}}
    assert main(["bench", "smoke"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[-4:] == ["extrapolation", "extrapolation,", "of", "specialist"]
    assert lines[4].split()[-4:] == ["3", "50.0%", "(3", "tasks)"]
    assert lines[6].startswith("of specialist: mean return on the tasks")
