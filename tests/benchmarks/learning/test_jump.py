import json
from pathlib import Path

import pytest

from benchmarks.learning import jump
from hyperrl.tasks import Family


def test_a_result_has_agents_on_fixed_and_jumping_tasks_with_rewards_over_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jump.main(["--quick", "--results", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "double-integrator" / "seed-600.json").read_text())
    names = {name for role in jump.ROLES for name in (role, jump.jumping(role))}
    for rows in result["splits"].values():
        assert rows.keys() - {"contexts", "oracle"} == names
    for role in jump.ROLES:
        curve = result["over_time"][role]["interpolation"]
        assert (len(curve["rewards"]), len(curve["since_jump"])) == (100, 50)
        assert curve["recovery"]["jumps"] == 100  # of 20 tasks, five episodes each
    assert capsys.readouterr().out.startswith("double-integrator seed 600: interpolation: hyper ")


@pytest.mark.parametrize("name", jump.FAMILIES)
def test_the_families_may_jump(name: str) -> None:
    schedules = Family.load(name).with_schedules(jump.SCHEDULES[name]).schedules
    assert schedules is not None
