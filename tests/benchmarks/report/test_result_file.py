"""Result files: what is read, and what is refused in one line."""

import json
from pathlib import Path

import pytest

from benchmarks.report.result_file import read_result
from hyperrl.errors import UserError


def test_a_file_of_the_format_is_read(tmp_path: Path) -> None:
    file = tmp_path / "seed-0.json"
    file.write_text(json.dumps({"format": 3, "seed": 0}))
    assert read_result(file, 3) == {"format": 3, "seed": 0}


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "not JSON"), ("[]", "not a record of format 3"), ('{"format": 2}', "not a record of format 3")],
)
def test_another_file_is_refused(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "seed-0.json"
    file.write_text(text)
    with pytest.raises(UserError, match=says):
        read_result(file, 3, "record")
