"""`hyperrl compare`: options reach the Python function; tables and findings are printed."""

import json
from pathlib import Path

import pytest

from benchmarks.synthetic_runs import synthetic_run
from hyperrl.cli import main
from hyperrl.tasks import Family
from tests.cli.calls import arguments_of, assert_defaults


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, ode = tmp_path_factory.mktemp("compared"), Family.load("ode")
    for seed in range(3):
        synthetic_run(path / f"hyper-{seed}", "hyper-ppo", ode, seed, 100.0)
        synthetic_run(path / f"concat-{seed}", "concat-ppo", ode, seed, 110.0)
    return path


def test_options(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = arguments_of(monkeypatch, "compare", "one", "two")
    assert plain[""] == (["one", "two"],)
    assert_defaults("compare", plain)
    assert arguments_of(monkeypatch, "compare", "one", "--baseline", "blind-ppo")["baseline"] == "blind-ppo"


def test_tables_and_findings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(folder), "--baseline", "hyper-ppo"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["ode,", "interpolation:", "6", "tasks"] in lines
    header = next(line for line in lines if line[:1] == ["agent"])
    assert header.count("interval") == 3
    assert [line[-1] for line in lines if line[:1] == ["hyper-ppo"]] == ["baseline"] * 4
    assert any("three seeds or fewer" in " ".join(line) for line in lines)
    printed = [" ".join(line) for line in lines]
    assert any(line.startswith("ode, train: hyper-ppo is below concat-ppo by ") for line in printed)


def test_one_seed_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken" / "checkpoints").mkdir(parents=True)
    assert main(["compare", str(folder / "hyper-0"), str(folder / "concat-0"), str(folder / "broken")]) == 2
    assert "no such file" in capsys.readouterr().err
    assert main(["compare", str(folder / "hyper-0"), str(folder / "concat-0")]) == 0
    assert "one seed of each agent" in capsys.readouterr().out
    assert main(["compare", str(folder)]) == 0
    assert f"left out: {folder / 'broken'}: " in capsys.readouterr().err


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(folder), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [each["split"] for each in data["comparisons"]][2:] == ["interpolation", "extrapolation"]
