"""`hyperrl specialize` and `hyperrl export`, as a user drives them."""

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

import hyperrl
from hyperrl.store import Run
from tests.acceptance.driving import hyperrl_here, refused, succeeded
from tests.cli.calls import arguments_of, assert_defaults
from tests.store.conftest import run, spec

__all__ = ["run", "spec"]

SMALL = ("--set", "policy.net_arch=[8, 8]", "--set", "algorithm.n_steps=64", "--set", "n_envs=4")


def printed(*args: str, cwd: Path) -> str:
    done = hyperrl_here(*args, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a run `mine` of 256 steps."""
    path = tmp_path_factory.mktemp("specialists")
    steps = ("--steps", "256", "--set", "algorithm.batch_size=64")
    printed("train", "hyper-ppo", "ode", *steps, *SMALL, "--out", "mine", cwd=path)
    return path


def test_a_specialist_beside_its_agent(folder: Path) -> None:
    shown = printed("specialize", "mine", "--context", "c0=2.5", cwd=folder).splitlines()
    assert shown[:2] == ["hyper-ppo on ode: c0=2.5", ""]
    table = {line.split()[0]: line.split()[1:] for line in shown[2:] if line.strip()}
    (bytes_, parameters, time), own = table["torch"], table["hyper-ppo"]
    file = folder / "mine/specialists/c0=2.5.safetensors"
    assert shown[-2:] == [f"file  {file.relative_to(folder)}", "card  mine/specialists/README.md"]
    assert int(bytes_.replace(",", "")) == file.stat().st_size
    assert int(parameters.replace(",", "")) < int(own[1].replace(",", ""))
    assert float(time) > 0
    agent = hyperrl.load(folder / "mine")
    seen = np.linspace(-2, 2, 9, dtype=np.float32)[:, None]
    np.testing.assert_allclose(hyperrl.load_specialist(file)(seen), agent.act(seen, {"c0": 2.5}), atol=1e-5)
    refused("specialize", "mine", "--context", "c0=2.5", cwd=folder, says="exists already")


def test_a_task_outside_the_training_ranges_is_reported(folder: Path) -> None:
    far = ("specialize", "mine", "--context", "c0=12", "--out")
    shown = printed(*far, "far.safetensors", cwd=folder).splitlines()
    assert shown[:3] == [
        "hyper-ppo on ode: c0=12",
        "note: extrapolation, outside the training range: c0=12 (-5 to 5)",
        "",
    ]
    assert json.loads(printed(*far, "again.safetensors", "--json", cwd=folder))["outside"] == {
        "c0": [-5.0, 5.0]
    }
    near = ("--context", "c0=-5", "--out", "near.safetensors", "--json")
    assert json.loads(printed("specialize", "mine", *near, cwd=folder))["outside"] == {}


def test_a_smaller_one_tells_its_return(folder: Path) -> None:
    small = ("--budget", "0.7", "--quantize", "int8", "--out", "small.safetensors")
    found = json.loads(printed("specialize", "mine", "--context", "c0=1", *small, "--json", cwd=folder))
    assert found["return"].keys() == {"episodes", "before", "after"}
    evaluated = json.loads(printed("evaluate", "mine", "--context", "c0=1", "--json", cwd=folder))
    assert found["return"]["before"] == pytest.approx(evaluated["tasks"][0]["mean"], rel=1e-4)
    assert found["bytes"] == (folder / "small.safetensors").stat().st_size
    assert 0 < found["parameters"] < found["generalist"]["parameters"]


def test_one_for_stable_baselines(folder: Path) -> None:
    from stable_baselines3 import PPO

    printed("specialize", "mine", "--context", "c0=-3", "--format", "sb3", "--out", "plain.zip", cwd=folder)
    seen = np.linspace(-2, 2, 9, dtype=np.float32)[:, None]
    plain, _ = PPO.load(folder / "plain.zip").predict(seen, deterministic=True)
    wanted = hyperrl.load(folder / "mine").act(seen, {"c0": -3})
    np.testing.assert_allclose(plain, wanted, atol=1e-5)


def test_one_for_stable_baselines_has_its_statistics_beside_it(folder: Path) -> None:
    steps = ("--steps", "256", "--set", "algorithm.batch_size=64", "--set", "normalize=true")
    printed("train", "hyper-ppo", "ode", *steps, *SMALL, "--out", "normalized", cwd=folder)
    plain = ("specialize", "normalized", "--context", "c0=-3", "--format", "sb3")
    shown = printed(*plain, cwd=folder)
    assert "\nstatistics  normalized/specialists/c0=-3.pkl\n" in shown
    assert "  env = VecNormalize.load('normalized/specialists/c0=-3.pkl', env)\n" in shown
    assert (folder / "normalized/specialists/c0=-3.pkl").stat().st_size > 100
    again = json.loads(printed(*plain, "--force", "--json", cwd=folder))
    assert again["statistics"] == "normalized/specialists/c0=-3.pkl"
    (folder / "normalized/specialists/c0=-3.zip").unlink()
    refused(*plain, cwd=folder, says=("c0=-3.pkl", "exists already"))
    other = json.loads(printed("specialize", "mine", *plain[2:], "--out", "alone.zip", "--json", cwd=folder))
    assert other["statistics"] is None


def test_one_for_stable_baselines_tells_how_its_observations_were_stacked(folder: Path) -> None:
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecFrameStack, VecNormalize

    steps = ("--steps", "256", "--set", "algorithm.batch_size=64", "--set", "normalize=true")
    below = (
        "--set",
        "frame_stack=2",
        "--set",
        "wrappers=[{RescaleObservation: {min_obs: -1, max_obs: 1}}]",
    )
    printed("train", "hyper-ppo", "pendulum", *steps, *below, *SMALL, "--out", "stacked", cwd=folder)
    context = ("specialize", "stacked", "--context", "m=1.5")
    shown = printed(*context, "--format", "sb3", "--out", "stacked.zip", cwd=folder)
    assert shown.partition("Wrap the environment")[2].splitlines()[1:] == [
        "  # below: RescaleObservation(min_obs=-1, max_obs=1)",
        "  env = VecFrameStack(env, 2)",
        "  env = VecNormalize.load('stacked.pkl', env)",
        "  env.training = env.norm_reward = False  # to act; leave both to learn on",
    ]
    env = VecNormalize.load(str(folder / "stacked.pkl"), VecFrameStack(make_vec_env("Pendulum-v1"), 2))
    env.training = env.norm_reward = False
    seen = np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 6)
    plain, _ = PPO.load(folder / "stacked.zip", env).predict(env.normalize_obs(seen), deterministic=True)
    np.testing.assert_allclose(plain, hyperrl.load(folder / "stacked").act(seen, {"m": 1.5}), atol=1e-5)
    assert "Wrap" not in printed(*context, cwd=folder)


@pytest.mark.parametrize(
    ("options", "says", "torch"),
    [
        (["--context", "c9=1"], "unknown feature 'c9'", False),
        (["--context", "c0=1", "--format", "onx"], "did you mean 'onnx'?", False),
        (["--context", "c0=1", "--budget", "0.001"], "allowed: at least", True),
        (["--context", "c0=1", "--out", "/proc/none/x.safetensors"], "cannot be written (", False),
        (["--context", "c0=1", "--out", f"{'x' * 235}.safetensors"], "File name too long", False),
        (["--context", "c0=1", "--out", "mine/run.yaml/x.safetensors"], "cannot be written", False),
        (["--context", "c0=1", "--out", f"{'x' * 300}.safetensors"], "File name too long", False),
        (["--context", "c0=1", "--checkpoint", "7"], "no checkpoint '7'", True),
        ([], "--context", False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes(options: list[str], says: str, torch: bool, folder: Path) -> None:
    before = sorted(folder.rglob("*.safetensors"))
    refused("specialize", "mine", *options, cwd=folder, says=says, torch=torch)
    assert sorted(folder.rglob("*.safetensors")) == before


def test_an_export_that_cannot_be_written_is_reported_before_the_work(folder: Path) -> None:
    pytest.importorskip("onnxscript", reason="needs the extra export")
    refused("export", "mine", "--out", "/proc/mine.onnx", cwd=folder, says="out '/proc/mine.onnx': cannot be")


def test_a_video_that_cannot_be_written_is_reported_before_the_work(folder: Path) -> None:
    (folder / "film.gif").mkdir(exist_ok=True)
    refused("watch", "mine", "--video", "", cwd=folder, says="--video: found ''; allowed: a path")
    for file, says in (
        ("/proc/film.gif", "cannot be written (No such file or directory)"),
        ("film.gif", "cannot be written (Is a directory)"),
    ):
        refused("watch", "mine", "--video", file, cwd=folder, says=f"video '{file}': {says}")


def test_a_folder_that_is_not_there_comes_with_the_specialist(folder: Path) -> None:
    printed("specialize", "mine", "--context", "c0=1", "--out", "far/off/one.safetensors", cwd=folder)
    assert sorted(file.name for file in (folder / "far/off").iterdir()) == ["README.md", "one.safetensors"]


def claiming(folder: Path, path: Path, **fields: object) -> Path:
    """A copy of the run whose recipe says something else."""
    shutil.copytree(folder / "mine", path / "claims")
    file = path / "claims" / "run.yaml"
    spec = yaml.safe_load(file.read_text())
    for name, value in fields.items():
        spec["agent"][name] |= value
    file.write_text(yaml.safe_dump(spec))
    return path


def test_a_run_that_claims_immense_networks_is_refused_at_once(folder: Path, tmp_path: Path) -> None:
    claiming(folder, tmp_path, policy={"net_arch": [65_536, 65_536]})
    began = time.process_time()
    for command in (("specialize", "claims", "--context", "c0=1"), ("export", "claims")):
        refused(*command, cwd=tmp_path, says="it has far more than", torch=True)
    assert time.process_time() - began < 5


def test_a_rollout_that_no_memory_holds_does_not_matter_to_a_specialist(folder: Path, tmp_path: Path) -> None:
    claiming(folder, tmp_path, algorithm={"n_steps": 10**12})
    printed("specialize", "claims", "--context", "c0=1", "--out", "one.safetensors", cwd=tmp_path)
    assert hyperrl.load_specialist(tmp_path / "one.safetensors")(np.zeros(1)).shape == (2,)


def test_an_export_in_one_file(folder: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    pytest.importorskip("onnxscript", reason="needs the extra export")
    shown = succeeded("export", "mine", cwd=folder, torch=True).splitlines()
    assert (shown[0], shown[2]) == ("generalist  mine/generalist.onnx", "card        mine/README.md")
    session = runtime.InferenceSession(folder / "mine/generalist.onnx")
    seen = np.linspace(-2, 2, 9, dtype=np.float32)[:, None]
    tasks = np.linspace(-4.5, 4.5, 9, dtype=np.float32)
    (actions,) = session.run(None, {"obs": seen, "context": tasks[:, None]})
    agent = hyperrl.load(folder / "mine")
    wanted = [agent.act(row, {"c0": float(task)}) for row, task in zip(seen, tasks, strict=True)]
    np.testing.assert_allclose(actions, wanted, atol=1e-5)
    refused("export", "mine", cwd=folder, says="exists already")


def test_every_option_reaches_the_python_function(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    given = arguments_of(
        monkeypatch, "specialize", run.path, "--context", "c0=2", "--format", "onnx", "--out", "x.onnx",
        "--budget", 0.5, "--quantize", "int8", "--flag", "--force", "--checkpoint", "latest",
        "--allow-import", "one",
    )  # fmt: skip
    assert given == {
        "": (str(run.path), {"c0": 2.0}), "format": "onnx", "out": "x.onnx", "budget": 0.5,
        "quantize": "int8", "flag": True, "force": True, "checkpoint": "latest", "allow_import": ["one"],
    }  # fmt: skip
    plain = arguments_of(monkeypatch, "specialize", run.path, "--context", "c0=2")
    assert (plain[""], len(plain)) == ((str(run.path), {"c0": 2.0}), 9)
    assert_defaults("specialize", plain)
    assert_defaults("export", arguments_of(monkeypatch, "export", run.path))
    written = ("--out", "x.onnx", "--flag", "--force", "--checkpoint", "latest", "--allow-import", "one")
    assert arguments_of(monkeypatch, "export", run.path, *written) == {
        "": (str(run.path),), "out": "x.onnx", "flag": True, "force": True, "checkpoint": "latest",
        "allow_import": ["one"],
    }  # fmt: skip
