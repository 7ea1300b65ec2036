"""The HParams tab."""

from __future__ import annotations

from typing import Any

import pytest
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from hyperrl.config import HypernetworkConfig, LrScale
from hyperrl.index_config import IndexConfig
from hyperrl.recipes import ALGORITHMS, described_fields, load_agent, load_family, resolve
from hyperrl.recipes.curriculum import Curriculum
from hyperrl.recipes.policy import (
    BlindPolicyRecipe,
    ConcatPolicyRecipe,
    HyperPolicyRecipe,
)
from hyperrl.store import Run
from hyperrl.training.telemetry.hparams import declared, hyperparameters
from tests.training.telemetry.conftest import SPLITS


def test_hyperparameters_are_plain_values_that_every_run_declares() -> None:
    values = hyperparameters(load_agent("hyper-ppo"))
    assert values["agent"] == "hyper-ppo"
    assert values["policy.hypernetwork.rank"] == 8
    assert values["policy.net_arch"] == "64-64"
    assert values["algorithm.normalize_advantage"] == "true"
    assert "about" not in values
    heads = resolve(load_agent("hyper-ppo"), load_family("ode"), ["policy.net_arch={pi: [8, 8], vf: []}"])
    assert hyperparameters(heads)["policy.net_arch"] == "pi:8-8 vf:none"
    every = {f"algorithm.{name}" for model in ALGORITHMS for name in model.model_fields}
    every |= {
        f"policy.{name}"
        for model in (HyperPolicyRecipe, ConcatPolicyRecipe, BlindPolicyRecipe)
        for name in model.model_fields
    }
    every |= {f"policy.hypernetwork.{name}" for name, _, _ in described_fields(HypernetworkConfig())}
    every |= {f"curriculum.{name}" for name in Curriculum.model_fields}
    every |= {f"policy.hypernetwork.lr_scale.{name}" for name, _, _ in described_fields(LrScale())}
    every |= {f"policy.hypernetwork.index.{name}" for name, _, _ in described_fields(IndexConfig())}
    every |= {f"algorithm.{name}.schedule" for model in ALGORITHMS for name in model.scheduled}
    groups = {f"policy.hypernetwork{name}" for name in ("", ".lr_scale", ".index")}
    assert declared().keys() == every - groups


def test_a_schedule_is_the_number_that_it_starts_at_and_words() -> None:
    fields = [
        "algorithm.learning_rate={schedule: cosine, start: 1e-3, warmup: 0.1}",
        "algorithm.clip_range_vf=lin_5",
    ]
    values = hyperparameters(resolve(load_agent("hyper-ppo"), load_family("ode"), fields))
    assert values["algorithm.learning_rate"] == 1e-3
    assert values["algorithm.learning_rate.schedule"] == "cosine from 0.001 to 0, warm-up 0.1"
    assert values["algorithm.clip_range_vf"] == 5.0
    assert values["algorithm.clip_range_vf.schedule"] == "linear from 5 to 0"
    assert "algorithm.clip_range.schedule" not in values
    own = {name for name in values if name.split(".")[0] in ("algorithm", "policy")}
    assert own <= declared().keys()
    for name in ("algorithm.learning_rate", "algorithm.clip_range", "algorithm.clip_range_vf"):
        assert type(declared()[name]) is type(values[name]) is float


def test_hparams_are_in_the_runs_own_event_file(run: Run, events: Any) -> None:
    content = {
        tag: HParamsPluginData.FromString(data) for tag, data in events.PluginTagToContent("hparams").items()
    }
    start = content["_hparams_/session_start_info"].session_start_info.hparams
    assert start["algorithm.learning_rate"].number_value == pytest.approx(3e-4)
    assert start["algorithm.n_steps"].number_value == 64
    assert start["policy.hypernetwork.strategy"].string_value == "modulation"
    assert (start["agent"].string_value, start["family"].string_value) == ("hyper-ppo", "ode")
    experiment = content["_hparams_/experiment"].experiment
    assert [info.name.tag for info in experiment.metric_infos] == [f"hparams/{split}" for split in SPLITS]
    assert set(start) | {"algorithm.rms_prop_eps"} <= {info.name for info in experiment.hparam_infos}
    end = content["_hparams_/session_end_info"].session_end_info
    assert end.status == Status.Value("STATUS_SUCCESS")
    splits = {run.path / "zero_shot" / split for split in SPLITS}
    assert {path.parent for path in run.path.rglob("events.out.tfevents.*")} == {run.path, *splits}
