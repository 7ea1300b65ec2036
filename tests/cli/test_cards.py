from pathlib import Path

import pytest

from hyperrl.cli import cards
from tests.deploy.cards.test_readme import entry, saved


def test_a_card_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path, entry("a.onnx"))
    assert cards.pairs(tmp_path / "a.onnx") == [("card", str(path))]
    cards.note(tmp_path / "a.onnx")
    assert capsys.readouterr().out == ""


def test_a_readme_that_stays_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme, own = tmp_path / "README.md", tmp_path / "a.onnx.README.md"
    readme.write_text("mine")
    saved(tmp_path, entry("a.onnx"))
    assert cards.pairs(tmp_path / "a.onnx") == [("card", str(own))]
    cards.note(tmp_path / "a.onnx")
    assert capsys.readouterr().out == f"note: '{readme}' is not as HyperRL wrote it; it stays\n"
    own.write_text("mine too")
    assert cards.pairs(tmp_path / "a.onnx") == []
    cards.note(tmp_path / "a.onnx")
    assert capsys.readouterr().out == f"note: '{readme}' is not as HyperRL wrote it; there is no new card\n"
