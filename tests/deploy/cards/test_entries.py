"""Cards of real files: their code runs, their commands write the file again, their numbers are the run's."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from hyperrl import api
from hyperrl.cli import main
from hyperrl.deploy.cards.entries import refresh_run_card, write_run_card
from hyperrl.deploy.cards.readme import find_card
from hyperrl.recipes import parse_yaml
from hyperrl.store import Run
from hyperrl.tasks import Family
from tests.runs import SMALL, untrained


def fenced(card: Path, language: str, file: str) -> str:
    """The block of code that a card has for a file."""
    section = card.read_text().partition(f'<!-- hyperrl file {{"name": "{file}"')[2]
    found = re.search(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def ran(card: Path, file: str, monkeypatch: pytest.MonkeyPatch, **names: Any) -> dict[str, Any]:
    """The names that a card's code leaves behind, run in the card's folder."""
    monkeypatch.chdir(card.parent)
    exec(compile(fenced(card, "python", file), str(card), "exec"), names)
    return names


def results(card: Path) -> dict[str, dict[str, float]]:
    """By configuration the metrics of a card's header."""
    header = parse_yaml(card.read_text().split("---\n")[1], "README.md")
    every = [result for index in header.get("model-index", ()) for result in index["results"]]
    return {
        each["dataset"]["config"]: {metric["type"]: metric["value"] for metric in each["metrics"]}
        for each in every
    }


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return untrained(tmp_path / "run", "hyper-ppo", "ode", ["policy.net_arch=[4]"])


AGENTS = {
    "numbers": ("hyper-ppo", "ode", ()),
    "choices": ("concat-dqn", "cartpole", ()),
    "normalized": ("hyper-ppo", "pendulum", ("normalize=true",)),
    "stacked": ("blind-sac", "pendulum", ("frame_stack=2",)),
}


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize("format", ["torch", "onnx", "sb3"])
def test_a_specialists_code_runs(
    format: str, agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperrl.deploy.export.CALLS", 10)
    if format == "onnx":
        pytest.importorskip("onnxruntime", reason="needs the extra export")
    name, family, overrides = AGENTS[agent]
    run = untrained(tmp_path / "run", name, family, ["policy.net_arch=[4]", *overrides])
    written = api.specialize(run, {}, format=format)
    assert written.card == find_card(written.file) == run.path / "specialists" / "README.md"
    names = ran(written.card, written.file.name, monkeypatch)
    action = names["actions"][0] if format == "onnx" else names["action"]
    assert run.spec.agent.environment_options == written.options
    assert Family.load(family).action_space.contains(action)


def test_a_generalists_code_runs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxscript", reason="needs the extra export")
    path = api.export(run)
    card = find_card(path)
    assert card == run.path / "README.md"
    assert ran(card, "generalist.onnx", monkeypatch)["actions"].shape == (1, 2)
    assert "| input | `obs` | (n, 1) | float32 |" in card.read_text()
    assert "|  | `context` | (n, 1) | float32 | the task, raw values in the order c0 |" in card.read_text()


def test_a_runs_code_runs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    card = write_run_card(run, Family.load("ode"))
    assert card == run.path / "README.md"
    assert ran(card, "run.yaml", monkeypatch)["action"].shape == (2,)


def test_masks_are_an_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sb3_contrib", reason="needs the extra contrib")
    run = untrained(tmp_path / "run", "hyper-maskable-ppo", "wall-gap", ["policy.net_arch=[4]"])
    written = api.specialize(run, {}, format="sb3")
    assert written.card is not None
    assert ran(written.card, written.file.name, monkeypatch)["action"].shape == ()
    assert "|  | `action_masks` | (4,) | bool | true for each choice" in written.card.read_text()


def test_the_commands_write_the_same_file_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for options in (
        {"budget": 0.5, "quantize": "int8", "out": "small one.safetensors"},
        {"checkpoint": "latest"},
        {"format": "sb3"},
    ):
        written = api.specialize(run, {"c0": 1 / 3}, **options)
        before = written.file.read_bytes()
        assert written.card is not None
        train, command = fenced(written.card, "sh", written.file.name).splitlines()
        assert train == "hyperrl train hyper-ppo.yaml ode --seed 0 --steps 64"
        program, *arguments = shlex.split(command)
        written.file.unlink()
        assert (program, main(arguments)) == ("hyperrl", 0)
        assert (written.format == "sb3") or written.file.read_bytes() == before
        assert written.file.exists()


def test_the_numbers_are_those_of_the_runs_evaluations(run: Run) -> None:
    written = api.specialize(run, {"c0": 2.5})
    card = written.card
    assert card is not None
    assert results(card) == {}
    assert "No evaluation of the agent on this task is known." in card.read_text()
    evaluation = api.evaluate(run, contexts=[{"c0": 2.5}], episodes=3)
    splits = api.evaluate(run).splits
    api.specialize(run, {"c0": 2.5}, force=True)
    mean = evaluation.tasks[0].mean
    (metrics,) = results(card).values()
    assert metrics["mean_reward"] == pytest.approx(mean)
    assert f"| {splits['extrapolation']['mean']:.4g} |" in card.read_text()
    write_run_card(run, Family.load("ode"))
    found = results(run.path / "README.md")
    assert found["best: interpolation"] == pytest.approx(
        {
            "mean_reward": splits["interpolation"]["mean"],
            "mean_reward_low": splits["interpolation"]["low"],
            "mean_reward_high": splits["interpolation"]["high"],
        }
    )


def test_a_smaller_network_has_a_return_of_its_own(run: Run) -> None:
    api.evaluate(run, contexts=[{"c0": 2.5}])
    written = api.specialize(run, {"c0": 2.5}, budget=0.5)
    assert written.card is not None
    assert written.returns is not None
    (metrics,) = results(written.card).values()
    assert metrics["mean_reward"] == pytest.approx(written.returns[1])
    assert "It is that of this smaller network." in written.card.read_text()


def test_training_resuming_and_evaluating_keep_the_card_of_a_run(tmp_path: Path, no_figures: None) -> None:
    run = api.train("hyper-ppo", "ode", steps=64, overrides=SMALL, out=tmp_path / "run")
    card = run.path / "README.md"
    first = results(card)
    assert "64 steps were taken" in card.read_text()
    assert set(first) == {f"best: {split}" for split in run.evaluation("final")["splits"]}  # type: ignore[index]
    assert (run.path / "README.md").read_text().count("## The run") == 1
    api.resume(run, steps=96)
    assert "96 steps were taken" in card.read_text()
    before = results(card)
    api.evaluate(run, splits=["interpolation"], episodes=50)
    assert results(card)["best: interpolation"] != before["best: interpolation"]
    card.write_text("mine\n")
    api.evaluate(run, splits=["interpolation"], episodes=1)
    assert card.read_text() == "mine\n"


def test_only_a_run_with_a_card_gets_a_new_one(run: Run) -> None:
    refresh_run_card(run, Family.load("ode"))
    assert not (run.path / "README.md").exists()
