"""A forward model in a run: whole or not there."""

from pathlib import Path

import pytest
import torch

from hyperrl.identify import forward_files
from hyperrl.identify.forward_files import FOLDER, has_model, read_model, write_model
from hyperrl.store import Run, atomic_write, refuse_links
from tests.identify.test_forward_model import DATA, SPEC
from tests.runs import message, untrained


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return untrained(tmp_path / "run", "hyper-ppo", "cartpole")


TENSORS = {"mean": torch.arange(3.0)}


def test_what_is_written_is_read(run: Run) -> None:
    assert not has_model(run)
    assert "has no forward model; fit one by hyperrl.api.fit_forward_model(run)" in message(
        read_model, run, DATA
    )
    write_model(run, SPEC, TENSORS)
    assert has_model(run)
    spec, tensors = read_model(run, DATA)
    assert spec.model_copy(update={"weights": SPEC.weights}) == SPEC
    assert torch.equal(tensors["mean"], TENSORS["mean"])
    refuse_links(run.path)


def test_a_newer_model_takes_the_place_of_the_older(run: Run) -> None:
    write_model(run, SPEC, TENSORS)
    write_model(run, SPEC, {"mean": torch.ones(3)})
    assert len(list((run.path / FOLDER).iterdir())) == 2
    assert torch.equal(read_model(run, DATA)[1]["mean"], torch.ones(3))


def test_a_crash_between_the_files_leaves_the_older_model(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(run, SPEC, TENSORS)
    whole = atomic_write

    def broken(path: Path, data: bytes) -> None:
        if path.name == "model.yaml":
            raise OSError("power failure")
        whole(path, data)

    monkeypatch.setattr(forward_files, "atomic_write", broken)
    assert "cannot be written" in message(write_model, run, SPEC, {"mean": torch.ones(3)})
    assert torch.equal(read_model(run, DATA)[1]["mean"], TENSORS["mean"])


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("power", "0", "power: found 0"),
        ("weights", "../../x.safetensors", 'weights: found "../../x.safetensors"'),
        ("width", "7", "is of another family"),
        ("hidden", "[1000000]", "hidden"),
    ],
)
def test_a_damaged_description_is_refused(run: Run, field: str, value: str, says: str) -> None:
    write_model(run, SPEC, TENSORS)
    path = run.path / FOLDER / "model.yaml"
    lines = path.read_text().replace("hidden:\n- 8", "hidden: [8]").splitlines()
    path.write_text(
        "\n".join(f"{field}: {value}" if each.startswith(f"{field}:") else each for each in lines)
    )
    assert says in message(read_model, run, DATA)


def test_damaged_weights_are_refused(run: Run) -> None:
    write_model(run, SPEC, TENSORS)
    (weights,) = (run.path / FOLDER).glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-2])
    assert "truncated or not a checkpoint; fit it anew by" in message(read_model, run, DATA)
    weights.unlink()
    assert "No such file" in message(read_model, run, DATA)
