"""The file of a card: what it says of several files, and whose README.md is left alone."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hyperrl.deploy.cards.readme import CardEntry, card_text, find_card, read_card, write_card
from hyperrl.recipes import parse_yaml
from tests.runs import message


def entry(name: str, value: float | None = 1.5, **fields: Any) -> CardEntry:
    dataset = {"type": "ode", "name": "ode", "config": f"{name}: c0=2", "split": "interpolation"}
    metric = {"type": "mean_reward", "name": "mean return", "value": value}
    result = {"task": {"type": "reinforcement-learning", "name": "rl"}, "dataset": dataset}
    results = () if value is None else ({**result, "metrics": [metric]},)
    known = CardEntry(name, "hyper-ppo on ode", "onnx", ("hyperrl", "ode"), results, f"## {name}\n\nText.")
    return replace(known, **fields)


def header(path: Path) -> Any:
    return parse_yaml(path.read_text().split("---\n")[1], "README.md")


def saved(folder: Path, *entries: CardEntry) -> Path:
    for each in entries:
        (folder / each.name).touch()
        write_card(each, folder)
    return folder / "README.md"


def test_the_header_is_the_hubs(tmp_path: Path) -> None:
    path = saved(tmp_path, entry("a.onnx", np.float32(2.5)))  # type: ignore[arg-type]
    assert header(path) == {
        "library_name": "onnx",
        "pipeline_tag": "reinforcement-learning",
        "tags": ["reinforcement-learning", "hyperrl", "ode"],
        "model-index": [{"name": "a.onnx", "results": list(entry("a.onnx", 2.5).results)}],
    }
    text = path.read_text()
    assert text.startswith("---\n")
    assert "\n# hyper-ppo on ode\n" in text


def test_a_card_speaks_of_all_files_of_a_folder(tmp_path: Path) -> None:
    last = entry("b.zip", None, library="stable-baselines3", tags=("sb3",), title="other on ode")
    path = saved(tmp_path, entry("a.onnx"), entry("run.yaml"), last)
    assert read_card(path) == [entry("run.yaml"), entry("a.onnx"), last]
    assert header(path)["library_name"] == "hyperrl"
    assert header(path)["tags"] == ["reinforcement-learning", "hyperrl", "ode", "sb3"]
    assert [each["name"] for each in header(path)["model-index"]] == ["run.yaml", "a.onnx"]
    assert "\n# hyper-ppo on ode, other on ode\n" in path.read_text()
    assert all(find_card(tmp_path / name) == path for name in ("a.onnx", "b.zip", "run.yaml"))
    assert find_card(tmp_path / "c.onnx") is None


def test_a_file_that_is_written_again_or_gone_is_described_anew(tmp_path: Path) -> None:
    path = saved(tmp_path, entry("a.onnx"), entry("b.onnx"), entry("c.onnx"))
    (tmp_path / "b.onnx").unlink()
    write_card(entry("a.onnx", 9.0), tmp_path)
    assert read_card(path) == [entry("a.onnx", 9.0), entry("c.onnx")]


def test_without_an_evaluation_there_is_no_index(tmp_path: Path) -> None:
    assert "model-index" not in header(saved(tmp_path, entry("a.onnx", None)))


@pytest.mark.parametrize("content", ["# mine\n", "", "---\nlicense: mit\n---\n", "\xff\xfe"])
def test_a_readme_of_somebody_elses_stays(content: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(content, "latin-1")
    path = write_card(entry("a.onnx"), tmp_path)
    assert path == find_card(tmp_path / "a.onnx") == tmp_path / "a.onnx.README.md"
    assert (tmp_path / "README.md").read_text("latin-1") == content
    assert read_card(path) == [entry("a.onnx")]
    write_card(entry("b.onnx"), tmp_path)
    assert read_card(tmp_path / "b.onnx.README.md") == [entry("b.onnx")]


def test_a_card_that_was_changed_stays(tmp_path: Path) -> None:
    path = saved(tmp_path, entry("a.onnx"))
    own = path.read_text().replace("library_name", "license: mit\nlibrary_name")
    path.write_text(own)
    single = write_card(entry("a.onnx", 7.0), tmp_path)
    assert (single, path.read_text()) == (tmp_path / "a.onnx.README.md", own)
    assert single is not None
    single.write_text("mine\n")
    assert write_card(entry("a.onnx"), tmp_path) is None
    assert (single.read_text(), path.read_text()) == ("mine\n", own)
    assert find_card(tmp_path / "a.onnx") is None


def test_another_end_of_lines_is_no_change(tmp_path: Path) -> None:
    path = saved(tmp_path, entry("a.onnx"))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    write_card(entry("b.onnx"), tmp_path)
    assert read_card(path) == [entry("a.onnx"), entry("b.onnx")]


def test_neither_links_nor_folders_are_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(card_text([entry("a.onnx")]))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "README.md").symlink_to(tmp_path / "elsewhere")
    assert write_card(entry("b.onnx"), folder) == folder / "b.onnx.README.md"
    (folder / "c.onnx.README.md").mkdir()
    assert write_card(entry("c.onnx"), folder) is None
    assert read_card(tmp_path / "elsewhere") == [entry("a.onnx")]


@pytest.mark.parametrize("name", ["a -->.onnx", "'<!-- hyperrl end -->'", 'q"uote\\.onnx', "1e5", "ä.onnx"])
def test_names_that_mean_something_to_html_or_yaml(name: str, tmp_path: Path) -> None:
    path = saved(tmp_path, entry(name), entry("b.onnx"))
    assert sorted(each.name for each in read_card(path) or ()) == sorted([name, "b.onnx"])
    assert name in [each["name"] for each in header(path)["model-index"]]
    comment = next(line for line in path.read_text().splitlines() if line.startswith("<!-- hyperrl file"))
    assert comment.index("-->") == len(comment) - 3, "the comment ends at its end"


def test_a_card_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    line = message(write_card, entry("a.onnx"), tmp_path / "none")
    assert line == f"card '{tmp_path}/none/README.md': cannot be written (No such file or directory)"


def test_several_writers_lose_no_file(tmp_path: Path) -> None:
    names = [f"{number}.onnx" for number in range(12)]
    for name in names:
        (tmp_path / name).touch()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: write_card(entry(name), tmp_path), names))
    assert [each.name for each in read_card(tmp_path / "README.md") or ()] == sorted(names)


def test_the_hubs_own_library_reads_it(tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="needs the extra hub")
    path = saved(tmp_path, entry("a.onnx", 2.5), entry("b.onnx", -1e-7))
    found = hub.metadata_load(path)
    assert found == json.loads(json.dumps(header(path)))
    data = hub.ModelCard.load(path).data
    assert (data.library_name, data.pipeline_tag, data.license) == ("onnx", "reinforcement-learning", None)
    values = [(each.dataset_config, each.dataset_split, each.metric_value) for each in data.eval_results]
    assert values == [("a.onnx: c0=2", "interpolation", 2.5), ("b.onnx: c0=2", "interpolation", -1e-7)]
    assert all(isinstance(each, hub.EvalResult) for each in data.eval_results)
    (merged,) = data.to_dict()["model-index"]
    assert len(merged["results"]) == 2  # results of one task, dataset, configuration and split are merged
