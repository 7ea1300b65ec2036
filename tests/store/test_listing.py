from hyperrl.store import Run, RunSpec, fault, runs_below
from tests.store.conftest import created


def test_steps_without_a_checkpoint_are_a_fault(run: Run) -> None:
    assert fault(run) is None
    run.write_status("finished", 4096)
    assert fault(run) == "checkpoint 'latest' is missing"
    run.save_checkpoint("latest", {}, {"steps": 4096})
    assert fault(run) is None


def test_runs_are_found_and_broken_ones_reported(run: Run, spec: RunSpec) -> None:
    root = run.path.parents[2]
    other = created(root / "other", spec)
    broken = created(root / "broken", spec)
    (broken.path / "run.yaml").write_text("seed: [")
    created(root / ".seed-0.unfinished", spec)
    found = dict(runs_below(root))
    assert list(found) == sorted([broken.path, other.path, run.path])
    assert {path for path, each in found.items() if isinstance(each, Run)} == {other.path, run.path}
    assert str(broken.path) in str(found[broken.path])
