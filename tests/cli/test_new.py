"""`hyperrl new family`: what it writes works as it is, and it overwrites nothing."""

import os
import sys
from pathlib import Path

import gymnasium as gym
import pytest
import yaml
from gymnasium.utils.env_checker import check_env

from hyperrl.cli import main
from hyperrl.recipes import shipped
from tests.acceptance.driving import hyperrl_without_torch, refused, tree


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `hyperrl new family warm-tub` was typed."""
    folder = tmp_path_factory.mktemp("new") / "empty"
    folder.mkdir()
    done = hyperrl_without_torch("new", "family", "warm-tub", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "hyperrl check warm-tub.yaml" in done.stdout
    return folder


def test_what_is_written_passes_check_as_it_is(new: Path) -> None:
    assert sorted(path.name for path in new.iterdir()) == ["warm-tub.yaml", "warm_tub_env.py"]
    done = hyperrl_without_torch("check", "warm-tub.yaml", cwd=new)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("warm-tub.yaml: ok, a family")
    assert len(yaml.safe_load((new / "warm-tub.yaml").read_text())["features"]) == 3


def test_the_class_is_one_that_gymnasium_accepts(new: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(new))
    with pytest.MonkeyPatch.context() as registered:
        registered.setattr(gym.envs.registration, "registry", dict(gym.registry))
        env = gym.make("warm_tub_env:WarmTub-v0", render_mode="rgb_array", disable_env_checker=True)
    del sys.modules["warm_tub_env"]
    check_env(env.unwrapped, skip_render_check=True)
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (200, 200, 3)  # type: ignore[union-attr]
    assert len({tuple(color) for color in picture.reshape(-1, 3)}) == 3  # type: ignore[union-attr]


def test_nothing_is_overwritten(new: Path, tmp_path: Path) -> None:
    refused("new", "family", "warm-tub", cwd=new, says="'warm_tub_env.py' exists already")
    folder = tmp_path / "half"
    folder.mkdir()
    (folder / "warm-tub.yaml").symlink_to("nowhere")
    refused("new", "family", "warm-tub", cwd=folder, says="'warm-tub.yaml' exists already")


BAD = {
    "a digit first": "2tanks",
    "a path": "envs/tank",
    "a dot": "tank.yaml",
    "a space": "my tank",
    "nothing": "",
    "a dash at the end": "tank-",
    "not ASCII": "größe",
    "a line": "tank\n",
    "too long": "t" * 41,
}


@pytest.mark.parametrize("name", BAD.values(), ids=BAD)
def test_a_bad_name(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    refused("new", "family", name, cwd=folder, says="new family: found")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (next(iter(shipped("envs"))), "a family of the suite"),
        ("cart-pole", "whose id CartPole-v0 Gymnasium has already"),
        ("none", "whose class None is a keyword of Python"),
        ("hyperrl-taken", "whose module hyperrl_taken_env is installed already"),
    ],
)
def test_a_name_that_means_something_already(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/hyperrl_taken_env.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    before = tree(tmp_path)
    assert main(["new", "family", name]) == 2
    assert says in capsys.readouterr().err
    assert tree(tmp_path) == before


def test_one_file_that_cannot_be_written_takes_the_other_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = Path.open

    def full(path: Path, *args: object, **kwargs: object) -> object:
        if path.suffix == ".yaml" and args == ("x",):
            raise OSError(28, os.strerror(28))
        return opened(path, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "open", full)
    assert main(["new", "family", "warm-tub"]) == 2
    assert "cannot be written (No space left on device)" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_new_alone_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new"]) == 0
    assert "family" in capsys.readouterr().out
