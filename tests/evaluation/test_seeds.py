from pathlib import Path

from hyperrl import api
from hyperrl.recipes import load_family
from hyperrl.store import Run
from tests.runs import message
from tests.store.conftest import created


def test_runs_that_are_no_seeds_are_refused(runs: Path, tmp_path: Path) -> None:
    text = message(api.evaluate, [runs / "seed-0", runs / "concat"])
    assert "no seeds of one agent: agent.name is 'hyper-ppo' and 'concat-ppo'" in text
    spec = Run.open(runs / "concat").spec
    discount = spec.agent.algorithm.model_copy(update={"gamma": 0.5})
    other = spec.model_copy(update={"agent": spec.agent.model_copy(update={"algorithm": discount})})
    text = message(api.evaluate, [runs / "concat", created(tmp_path / "a", other)])
    assert "agent.algorithm.gamma is" in text
    family = spec.model_copy(update={"family": load_family("ode-2d")})
    text = message(api.evaluate, [runs / "concat", created(tmp_path / "b", family)])
    assert "no seeds of one family: family.name is 'ode' and 'ode-2d'" in text
    assert "given twice" in message(api.evaluate, [runs / "seed-0", Run.open(runs / "seed-0")])
    assert "at least one run" in message(api.evaluate, [])
