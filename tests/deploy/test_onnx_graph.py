"""A graph stands for itself, with names and types that other programs read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.cases import (
    assert_agrees,
    example,
)


def test_the_graph_alone_acts_too(tmp_path: Path) -> None:
    """As a program in another language runs it, by the names and types that the file tells."""
    runtime = pytest.importorskip("onnxruntime", reason="needs the extra export")
    from hyperrl.deploy.onnx_runtime import onnx_bytes

    case = example("ppo dictionary")
    session = runtime.InferenceSession(onnx_bytes(case.specialist), providers=["CPUExecutionProvider"])
    types = {each.name: each.type for each in session.get_inputs()}
    assert types == {"buttons": "tensor(int8)", "place": "tensor(float)", "tile": "tensor(int64)"}
    (actions,) = session.run(["action"], case.observations)
    assert_agrees(case, actions)
    assert session.get_modelmeta().custom_metadata_map.keys() == {"specialist"}
