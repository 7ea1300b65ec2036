"""A specialist is an ordinary model of Stable-Baselines3."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl import UserError
from hyperrl.deploy.sb3 import plain_model, zip_bytes
from hyperrl.policies.registry import view
from tests.deploy.cases import (
    Example,
    example,
)

WITHOUT_SB3 = {"ppo layer norm", "ppo residual", "ppo adapter", "ppo generated convolutions"}


def test_as_a_model_of_sb3(every_case: Example, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    name = request.node.callspec.params["every_case"]
    if name in WITHOUT_SB3:
        with pytest.raises(UserError, match="sb3 has no policy of its "):
            plain_model(every_case.specialist, every_case.model, every_case.family)
        return
    data = zip_bytes(plain_model(every_case.specialist, every_case.model, every_case.family))
    kind = DQN if every_case.specialist.plan.algorithm == "qrdqn" else type(every_case.model)
    loaded: Any = kind.load(io.BytesIO(data))
    actions, _ = loaded.predict(every_case.observations, deterministic=True)
    if every_case.actions.dtype.kind == "f":
        np.testing.assert_allclose(actions, every_case.actions, atol=1e-5)
    else:
        assert np.mean(actions == every_case.actions) > 1 - 2e-4
    assert_equal_critics(every_case, loaded)


def assert_equal_critics(every_case: Example, loaded: BaseAlgorithm) -> None:
    """The critics are the task's too."""

    ours: Any = every_case.model.policy
    theirs: Any = loaded.policy
    rows = 20
    seen = {name: part[:rows] for name, part in parts(every_case).items()}
    descriptor = every_case.family.space.descriptors([every_case.context])
    own = ours.obs_to_tensor({**seen, "context": np.repeat(descriptor, rows, axis=0)})[0]
    other = theirs.obs_to_tensor(seen if len(seen) > 1 else next(iter(seen.values())))[0]
    close = partial(torch.testing.assert_close, atol=1e-4, rtol=1e-4)
    with torch.no_grad(), ExitStack() as quiet:
        for part in getattr(ours, "parts", {}).values():
            quiet.enter_context(part.inputs.acting(deterministic=True))
        if hasattr(ours, "predict_values"):
            close(ours.predict_values(own), theirs.predict_values(other))
        elif hasattr(ours, "critic"):
            actions = torch.rand(rows, *every_case.actions.shape[1:])
            close(ours.critic(own, actions), theirs.critic(other, actions))
        for network, target in view(theirs).targets.values():
            close(target.state_dict(), network.state_dict())


def test_the_zip_needs_nothing_of_ours(tmp_path: Path) -> None:
    case = example("sac")
    path = tmp_path / "plain.zip"
    path.write_bytes(zip_bytes(plain_model(case.specialist, case.model, case.family)))
    with zipfile.ZipFile(path) as archive:
        assert b"hyperrl" not in archive.read("data")
    code = (
        "import sys; sys.modules['hyperrl'] = None\nfrom stable_baselines3 import SAC; SAC.load(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def parts(every_case: Example) -> dict[str, NDArray[Any]]:
    seen = every_case.observations
    return dict(seen) if isinstance(seen, dict) else {every_case.specialist.plan.inputs[0].name: seen}
