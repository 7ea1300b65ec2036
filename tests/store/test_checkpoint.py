import json
import pickle
import random
from pathlib import Path

import pytest
import torch

from hyperrl.errors import UserError
from hyperrl.store import Run
from hyperrl.store.checkpoint import decode, encode

TENSORS = {
    "policy/weight": torch.arange(6.0).reshape(2, 3),
    "empty": torch.zeros(0),
    "flag": torch.tensor(True),
}
META = {"steps": 2048, "note": "é", "huge": 2**127}


def test_a_checkpoint_comes_back(run: Run) -> None:
    path = run.save_checkpoint("latest", TENSORS, META)
    assert path == run.path / "checkpoints" / "latest.safetensors"
    tensors, meta = run.load_checkpoint("latest")
    assert meta == META
    assert set(tensors) == set(TENSORS)
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_the_same_contents_are_the_same_bytes() -> None:
    assert len({encode(TENSORS, META) for _ in range(20)}) == 1


def test_checkpoints_are_listed(run: Run) -> None:
    for name in ("latest", "20480", "best", "4096"):
        run.save_checkpoint(name, TENSORS, META)
    (run.path / "checkpoints" / ".latest.safetensors.x").touch()
    assert run.checkpoints() == ["4096", "20480", "best", "latest"]


def test_a_missing_checkpoint_names_those_that_are_there(run: Run) -> None:
    run.save_checkpoint("latest", TENSORS, META)
    with pytest.raises(UserError, match="no checkpoint 'best'; it has: latest"):
        run.load_checkpoint("best")


def test_every_truncation_is_refused(run: Run) -> None:
    path = run.save_checkpoint("latest", TENSORS, META)
    whole = path.read_bytes()
    for length in (0, 1, 7, 8, 9, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match="truncated or not a checkpoint") as caught:
            run.load_checkpoint("latest")
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_every_flipped_byte_is_refused() -> None:
    whole = bytearray(encode(TENSORS, META))
    generator = random.Random(0)
    for place in range(len(whole)):
        broken = whole.copy()
        broken[place] ^= 1 << generator.randrange(8)
        try:
            tensors, meta = decode(bytes(broken))
        except ValueError:
            continue
        # JSON may say the same in another way (a space, \u00e9 in capitals); then nothing has changed.
        assert meta == META
        assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_a_pickle_is_refused_unread(run: Run, tmp_path: Path) -> None:
    mark = tmp_path / "executed"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (Path.touch, (mark,))

    for name in ("latest", "best"):
        (run.path / "checkpoints" / f"{name}.safetensors").write_bytes(pickle.dumps(Trap()))
    torch.save({"a": torch.zeros(1)}, run.path / "checkpoints" / "best.safetensors")
    for name in ("latest", "best"):
        with pytest.raises(UserError, match="not a checkpoint"):
            run.load_checkpoint(name)
    assert not mark.exists()


def test_another_safetensors_file_is_refused(run: Run) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, run.path / "checkpoints" / "latest.safetensors")
    with pytest.raises(UserError, match="not a checkpoint"):
        run.load_checkpoint("latest")


def test_a_newer_format_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperrl.store.checkpoint.FORMAT", 2)
    newer = encode(TENSORS, META)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="format 2, this version of hyperrl reads 1"):
        decode(newer)


def test_metadata_must_be_json() -> None:
    with pytest.raises(TypeError):
        encode(TENSORS, {"object": object()})
    assert json.loads(json.dumps(META)) == META


@pytest.mark.parametrize(
    ("told", "claimed"), [(b'"shape":[2,3]', b'"shape":[3,2]'), (b'"dtype":"F32"', b'"dtype":"I32"')]
)
def test_the_same_bytes_under_another_shape_or_type_are_refused(told: bytes, claimed: bytes) -> None:
    data = encode({"a": torch.arange(6.0).view(2, 3)}, {})
    assert data.count(told) == 1
    with pytest.raises(ValueError, match="do not match their digest"):
        decode(data.replace(told, claimed))
