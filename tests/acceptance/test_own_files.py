"""A file of one's own from its making to its use; and a stranger's, of which nothing is executed."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from hyperrl.cli import main
from hyperrl.tasks import Family
from tests.acceptance.driving import hyperrl_here, refused, tree

BRIEF = [
    *("--steps", "64"),
    *("--set", "n_envs=2"),
    *("--set", "algorithm.n_steps=32"),
    *("--set", "algorithm.batch_size=32"),
]
FEW = """\
evaluation: {episodes: 1}
splits: {train: {sample: 2}, validation: {sample: 1}, interpolation: {sample: 1}}
"""
EVIL = "open('owned', 'w').close()\nimport gymnasium\nclass Env(gymnasium.Env): ...\n"


def done(*args: str | Path, cwd: Path) -> str:
    ended = hyperrl_here(*args, cwd=cwd)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def bath(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the family `bath`, as `hyperrl new` writes it, and a run trained on it."""
    folder = tmp_path_factory.mktemp("bath")
    done("new", "family", "bath", cwd=folder)
    (folder / "bath.yaml").write_text((folder / "bath.yaml").read_text() + FEW)
    assert hyperrl_here("train", "hyper-ppo", "bath.yaml", *BRIEF, "--out", "run", cwd=folder).returncode == 0
    return folder


def test_a_run_of_ones_own_is_used_from_anywhere_unasked(bath: Path, tmp_path: Path) -> None:
    run = bath / "run"
    done("evaluate", run, "--context", "area=3", cwd=tmp_path)
    done("specialize", run, "--context", "area=2", cwd=tmp_path)
    assert hyperrl_here("train", "--resume", run, "--steps", "128", cwd=tmp_path).returncode == 0
    assert "2 numbers in [-2, 2]" in done("describe", bath / "bath.yaml", cwd=tmp_path)
    assert "hyper-ppo" in done("list", "--fits", bath / "bath.yaml", cwd=tmp_path)
    assert "bath" in done("list", "runs", bath, cwd=tmp_path)


@pytest.mark.parametrize("verb", ["evaluate", "specialize", "describe"])
def test_json_is_alone_on_standard_output_whatever_a_base_prints(
    bath: Path, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def loud(family: Family, *arguments: Any, **options: Any) -> Any:
        print("a word")
        os.write(1, b"a word of a simulator's\n")
        return make_base(family, *arguments, **options)

    make_base = Family.make_base
    monkeypatch.setattr(Family, "make_base", loud)
    arguments = {
        "evaluate": [str(bath / "run"), "--context", "area=3"],
        "specialize": [str(bath / "run"), "--context", "area=1.7", "--out", str(tmp_path / "x.safetensors")],
        "describe": ["hyper-ppo", str(bath / "bath.yaml"), *BRIEF[2:]],
    }[verb]
    assert main([verb, *arguments, "--json"]) == 0
    printed = capfd.readouterr()
    assert isinstance(json.loads(printed.out), dict)
    assert {"a word", "a word of a simulator's"} <= set(printed.err.splitlines())


def test_from_python(bath: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    import hyperrl

    monkeypatch.chdir(tmp_path)
    overrides = ["n_envs=2", "algorithm.n_steps=32", "algorithm.batch_size=32", "subprocesses=1"]
    run = hyperrl.train("hyper-ppo", bath / "bath.yaml", steps=64, overrides=overrides, out="run")
    action = hyperrl.load(run.path).act(np.zeros(2, np.float32), {"area": 1.5})
    assert action.shape == (1,)


def strange(bath: Path, folder: Path, base: str) -> None:
    """A stranger's run whose environment is in a file that came with it."""
    shutil.copytree(bath / "run", folder / "run")
    text = (folder / "run/run.yaml").read_text()
    assert "base: bath_env:Bath-v0\n" in text
    text = text.replace("base: bath_env:Bath-v0\n", f"base: {base}\n").replace(str(bath), str(folder / "run"))
    (folder / "run/run.yaml").write_text(text)
    for place in (folder, folder / "run", folder / "run/source"):
        (place / "evil.py").write_text(EVIL)


@pytest.mark.parametrize("base", ["evil.py:Env", "evil:Env-v0", "source/evil.py:Env"])
def test_nothing_of_a_strangers_is_imported(base: str, bath: Path, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    strange(bath, folder, base)
    shutil.copy(bath / "bath.yaml", folder)
    for command in (
        ["evaluate", "run"],
        ["watch", "run", "--video", "film.gif"],
        ["specialize", "run", "--context", "area=2"],
        ["export", "run"],
        ["train", "--resume", "run", "--steps", "512"],
        ["train", "hyper-ppo", "ode", "--from", "run", "--out", "new"],
    ):
        refused(*command, cwd=folder, says=("imports", "--allow-import", "if you trust it"))
    before = tree(folder)
    assert hyperrl_here("list", "runs", ".", cwd=folder).returncode == 0
    family = (bath / "bath.yaml").read_text().replace("bath_env:Bath-v0", "evil.py:Env")
    (folder / "family.yaml").write_text(family)
    assert "not looked up" in done("describe", "family.yaml", cwd=folder)
    assert hyperrl_here("list", "--fits", "family.yaml", cwd=folder).returncode == 2
    (folder / "family.yaml").unlink()
    assert tree(folder) == before
