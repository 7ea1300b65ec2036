from pathlib import Path

import pytest

from hyperrl.store import Run
from hyperrl.store.progress import rows


def test_scalars_come_by_row_or_the_newest_of_each(run: Run) -> None:
    (run.path / "progress.csv").write_text(
        "step,zero_shot/train,zero_shot/far,loss\n0,1,2,9\n10,1.5,nan,8\nx,,,7\n20,,inf,6\n30,oops,3,5\n"
    )
    assert run.history("zero_shot/") == {0: {"train": 1, "far": 2}, 10: {"train": 1.5}, 30: {"far": 3}}
    assert run.last_values("zero_shot/") == {"train": 1.5, "far": 3}
    assert run.last_values("loss") == {"": 5}


@pytest.mark.parametrize(
    "data", [b"", b"\xff\x00,\n\n1", b"step,a\n1", b"a" * 300_000 + b"\n1\n", b"step,step\n1,2,3,4\n"]
)
def test_a_broken_file_has_no_rows_or_fewer(data: bytes, tmp_path: Path) -> None:
    assert list(rows(tmp_path / "none.csv", "a")) == []
    (tmp_path / "progress.csv").write_bytes(data)
    assert all(not values for _, values in rows(tmp_path / "progress.csv", "a"))
