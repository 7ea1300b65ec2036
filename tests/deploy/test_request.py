"""Arguments of `hyperrl.specialize` and `hyperrl.export` are checked before anything is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hyperrl import UserError
from hyperrl.deploy import request
from hyperrl.deploy.request import generalist_request, specialist_request
from hyperrl.recipes import load_agent, load_family, resolve
from hyperrl.store import Run, RunSpec
from hyperrl.tasks import Family


def run_of(path: Path, *overrides: str) -> Run:
    family = load_family("ode")
    agent = resolve(load_agent("hyper-ppo"), family, overrides)
    return Run(path, RunSpec.now(agent, family, seed=0, steps=1))


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    return {
        "run": run_of(tmp_path), "family": Family.load("ode"), "context": {"c0": 2}, "format": "torch",
        "out": None, "budget": None, "quantize": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("context", "format", "name"),
    [({"c0": 2}, "torch", "c0=2.safetensors"), ({}, "sb3", "default.zip"), ({"c0": 2}, "onnx", "c0=2.onnx")],
)
def test_a_file_is_named_after_its_task(
    context: dict[str, float], format: str, name: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    if format == "onnx":
        pytest.importorskip("onnxscript", reason="needs the extra export")
    asked = specialist_request(**arguments | {"context": context, "format": format})
    assert asked.path == tmp_path / "specialists" / name
    assert (asked.format, asked.budget, asked.quantize) == (format, None, False)
    assert dict(asked.context) == {"c0": context.get("c0", Family.load("ode").space.default["c0"])}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"quantize": "int8", "format": "sb3"}, "allowed: the formats torch, onnx"),
        ({"context": {"c9": 1}}, "unknown feature 'c9'"),
        ({"out": "x.zip"}, r"found the ending '\.zip'; allowed: \.safetensors"),
    ],
)
def test_a_wrong_argument_is_one_line(changes: dict[str, Any], says: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=says):
        specialist_request(**arguments | changes)


def test_a_file_that_exists_is_replaced_by_force_alone(arguments: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "one.safetensors"
    out.write_text("mine")
    with pytest.raises(
        UserError, match="exists already; name another file with out, or replace it with force"
    ):
        specialist_request(**arguments | {"out": out})
    assert specialist_request(**arguments | {"out": out, "force": True}).path == out
    assert out.read_text() == "mine"


@pytest.mark.parametrize("overrides", [["normalize=true"], ["normalize={norm_obs: false}"], []])
def test_statistics_are_beside_a_model_of_sb3(
    overrides: list[str], arguments: dict[str, Any], tmp_path: Path
) -> None:
    arguments["run"] = run_of(tmp_path, *overrides)
    assert specialist_request(**arguments).statistics is None
    asked = specialist_request(**arguments | {"format": "sb3", "context": {"c0": 2.5}})
    beside = tmp_path / "specialists" / "c0=2.5.pkl"
    assert asked.statistics == (beside if overrides else None)
    (tmp_path / "here.pkl").write_text("mine")
    out = {"format": "sb3", "out": tmp_path / "here.zip"}
    if overrides:
        with pytest.raises(UserError, match=r"here\.pkl': exists already"):
            specialist_request(**arguments | out)
    specialist_request(**arguments | out | {"force": True})


def test_a_missing_extra_is_named(arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "find_spec", lambda name: None if name == "onnxruntime" else name)
    for ask in (
        lambda: specialist_request(**arguments | {"format": "onnx"}),
        lambda: generalist_request(arguments["run"], None),
    ):
        with pytest.raises(
            UserError, match=r"needs the package onnxruntime: pip install 'hyperrl\[export\]'"
        ):
            ask()
