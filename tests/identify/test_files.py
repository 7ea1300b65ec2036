"""CSV and NPZ files, and their faults."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl.identify.files import read_log
from tests.runs import message

NAMES = ("obs", "action", "next_obs", "reward", "terminated", "truncated", "episode")
TEXT = "t,obs.1,obs.0,action,terminated,note\n0.0,2,1,0.5,false,start\n\n0.1,4,3e0,-0.5,TRUE,\n"


def csv(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "log.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_columns_become_arrays_and_others_are_left_out(tmp_path: Path) -> None:
    log = read_log(csv(tmp_path, TEXT), NAMES)
    assert {name: array.tolist() for name, array in log.arrays.items()} == {
        "obs": [[1, 2], [3, 4]], "action": [[0.5], [-0.5]], "terminated": [[0], [1]],
    }  # fmt: skip
    assert log.others == ["t", "note"]
    assert [log.row(0), log.row(1)] == ["line 2", "line 4"]


def test_the_mark_that_spreadsheets_write_is_no_part_of_a_name(tmp_path: Path) -> None:
    log = read_log(csv(tmp_path, b"\xef\xbb\xbf" + b"obs, action\r\n1, 2\r\n"), NAMES)
    assert {name: array.tolist() for name, array in log.arrays.items()} == {"obs": [[1]], "action": [[2]]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("obs,action\n1,2\n3\n", "line 3: found 1 cells; allowed: 2, as in line 1"),
        ("obs,action\n1,fast\n", "line 2, action: found 'fast'; allowed: a number"),
        ("obs,action\n1,\n", "line 2, action: found ''; allowed: a number"),
        ("obs,action,obs\n1,2,3\n", "line 1: found a second column 'obs'; allowed: one"),
        ("obs,obs.0,action\n1,2,3\n", "line 1: found a second column 'obs.0'; allowed: one"),
        ("obs.0,obs.2,action\n1,2,3\n", "found obs.0, obs.2; allowed: obs.1 beside them"),
        (b"obs,action\n\xff,2\n", "allowed: text in UTF-8"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path: Path, text: str | bytes, says: str) -> None:
    path = csv(tmp_path, text)
    said = message(read_log, path, NAMES)
    assert said.startswith(f"data {str(path)!r}: ")
    assert says in said


def test_not_a_number_is_read_for_the_check_of_rows(tmp_path: Path) -> None:
    assert np.isnan(read_log(csv(tmp_path, "obs,action\nnan,2\n"), NAMES).arrays["obs"]).all()


def test_arrays_of_an_npz_file(tmp_path: Path) -> None:
    path = tmp_path / "log.npz"
    np.savez_compressed(path, obs=np.arange(6.0).reshape(3, 2), action=np.arange(3), time=np.arange(3))
    log = read_log(path, NAMES)
    assert sorted(log.arrays) == ["action", "obs"]
    assert log.others == ["time"]
    assert log.row(2) == "row 2"


def test_nothing_in_an_npz_file_is_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "log.npz"
    np.savez(path, obs=np.array([{}, {}], dtype=object), action=np.arange(2))
    assert "found Python objects; allowed: arrays as numpy.savez writes them" in message(
        read_log, path, NAMES
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", pickle.dumps({"obs": [1]})])
def test_a_damaged_npz_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.npz"
    path.write_bytes(content)
    assert "found no NPZ file, or a truncated one" in message(read_log, path, NAMES)


def test_a_truncated_npz_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.npz"
    np.savez(path, obs=np.zeros((100, 2)), action=np.zeros(100))
    path.write_bytes(path.read_bytes()[:-200])
    assert "or a truncated one" in message(read_log, path, NAMES)


def test_a_single_value_is_no_column(tmp_path: Path) -> None:
    path = tmp_path / "log.npz"
    np.savez(path, obs=np.array(3.0), action=np.arange(2))
    assert "'obs': found a single value; allowed: a row for each step" in message(read_log, path, NAMES)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none.csv", "No such file"),
        ("log.txt", "found the ending '.txt'; allowed: .csv, .npz, minari:NAME"),
        ("folder.csv", "found a directory or a device; allowed: a file"),
    ],
)
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert says in message(read_log, tmp_path / name, NAMES)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperrl.identify.files.MOST_BYTES", 1000)
    path = csv(tmp_path, TEXT * 100)
    assert "allowed: at most 1,000" in message(read_log, path, NAMES)
    packed = tmp_path / "log.npz"
    np.savez_compressed(packed, obs=np.zeros((1000, 2)), action=np.zeros(1000))
    assert packed.stat().st_size < 1000
    assert "bytes unpacked; allowed: at most 1,000" in message(read_log, packed, NAMES)


def test_arrays_may_be_given_in_python() -> None:
    log = read_log({"obs": [[1, 2]], "action": np.zeros(1), "time": None}, NAMES)
    assert {name: array.tolist() for name, array in log.arrays.items()} == {"obs": [[1, 2]], "action": [0]}
    assert log.others == ["time"]


@pytest.mark.parametrize("value", [None, "text", 3, [[1], [1, 2]]])
def test_other_values_in_python_are_refused(value: Any) -> None:
    said = message(read_log, {"obs": value, "action": [0]}, NAMES)
    assert said.startswith("data: 'obs': found ")
    assert said.endswith("allowed: an array of numbers")
