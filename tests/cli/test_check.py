"""`hyperrl check`: the recipes of the suite are right, and agents start sanely."""

from pathlib import Path

import pytest

from hyperrl.recipes import is_missing, load_family, shipped
from tests.acceptance.driving import hyperrl_here, printed_here, succeeded

SMALL = ["--set", "policy.net_arch=[8, 8]", "--set", "policy.hypernetwork.hidden=[8]"]


def test_every_recipe_of_the_suite_is_right(tmp_path: Path) -> None:
    names = [
        *shipped("agents"),
        *(each for each in shipped("envs") if not is_missing(load_family(each).extra)),
    ]
    shown = succeeded("check", *names, cwd=tmp_path).splitlines()
    assert [line.partition(": ok, ")[0] for line in shown] == names


def test_a_proof_names_every_feature(tmp_path: Path) -> None:
    (line,) = succeeded("check", "cartpole", cwd=tmp_path).splitlines()
    for feature in load_family("cartpole").features:
        assert f"feature {feature} changes the transition" in line


def test_a_file_of_your_own(tmp_path: Path) -> None:
    (tmp_path / "valley.yaml").write_text(
        "about: a valley\nbase: MountainCar-v0\nfeatures:\n"
        "  gravity: {about: pull, default: 0.0025, train: [0.002, 0.003]}\n"
    )
    assert succeeded("check", "valley.yaml", cwd=tmp_path).startswith("valley.yaml: ok, a family")
    assert succeeded("describe", "valley.yaml", cwd=tmp_path).startswith("valley (environment family)")


def test_a_sane_start(tmp_path: Path) -> None:
    shown = printed_here("check", "hyper-ppo", "--family", "ode", *SMALL, cwd=tmp_path)
    assert shown.startswith("hyper-ppo on ode at step 0: ")
    names = [line.split()[:2] for line in shown.splitlines() if line.startswith(("actor ", "critic "))]
    assert names == [[network, str(layer)] for network in ("actor", "critic") for layer in range(3)]
    assert shown.endswith("\nactor: sane\ncritic: sane\ngenerator: sane\n")


def test_an_insane_start_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe whose generator starts a thousand times too small."""
    from hyperrl.nets.generators import base

    monkeypatch.setattr(base, "SPREAD", 1e-3)
    done = hyperrl_here("check", "hyper-ppo", "--family", "ode", *SMALL, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout.endswith("\n")
    assert "\ngenerator: layer hidden 0 vanishes: " in done.stdout
    assert done.stderr.startswith(
        "hyperrl: error: agent 'hyper-ppo' on family 'ode': generator layer hidden 0 vanishes"
    )
    assert done.stderr.count("\n") == 1


def test_a_start_without_contexts_is_reported_with_its_first_step(tmp_path: Path) -> None:
    alike = ["--set", "policy.hypernetwork.initialization=bias-hyperinit"]
    shown = printed_here("check", "hyper-ppo", "--family", "ode", *SMALL, *alike, cwd=tmp_path)
    for network in ("actor", "critic"):
        told = "sane; the context has no effect yet, and has one after the first step"
        assert f"\n{network}: {told}\n" in shown


AGENT = "about: x\nalgorithm: {name: ppo}\npolicy: {kind: hyper}\nwrappers: "
OWN = "import gymnasium as gym\n\nclass Own(gym.Wrapper):\n    def __init__(self, env, size): ...\n"


@pytest.mark.parametrize(
    ("wrappers", "says"),
    [
        ("TimeAwareObservatoin", "did you mean 'TimeAwareObservation'?"),
        ("NormalizeReward", "allowed: the field 'normalize'"),
        ("vector", "wraps vector environments"),
        ("RescaleAction: {min_acton: -1, max_action: 1}", "RescaleAction: unknown argument 'min_acton'"),
        ("own.py:Own", "wrapper 'own.py:Own': argument 'size' is missing"),
        ("own.py:Onw", "has no such class; did you mean 'Own'?"),
        ("'own.py:Own': {size: .inf}", "own.py:Own.size: found Infinity; allowed: true, false,"),
    ],
)  # fmt: skip
def test_wrappers_that_are_wrong_are_a_mistake_in_one_line(wrappers: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "mine.yaml").write_text(f"{AGENT}[{wrappers}]")
    done = hyperrl_here("check", "mine.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_wrappers_that_are_right_and_a_family_that_they_do_not_fit(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "mine.yaml").write_text(f"{AGENT}[own.py:Own: {{size: 3}}, DiscretizeAction: {{bins: 3}}]")
    assert succeeded("check", "mine.yaml", cwd=tmp_path).startswith("mine.yaml: ok, an agent")
    (tmp_path / "mine.yaml").write_text(f"{AGENT}[DiscretizeAction: {{bins: 3}}]")
    done = hyperrl_here("check", "mine.yaml", "--family", "cartpole", cwd=tmp_path)
    assert done.returncode == 2
    assert "cartpole: wrapper DiscretizeAction(bins=3) cannot be made: DiscretizeAction is" in done.stderr
