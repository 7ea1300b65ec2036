"""The real TensorBoard server on a real run, asked over HTTP as a browser would."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from hyperrl.store import Run

WAIT = 90.0
RUN = "ode/hyper-ppo/seed-0"
Get = Callable[..., bytes]


@pytest.fixture(scope="module")
def get(run: Run, logdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Get]:
    """Fetches a path of a server that has read the run; the server is gone afterwards."""
    log = tmp_path_factory.mktemp("server") / "output"
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    options = ["--host", "127.0.0.1", "--port", "0", "--load_fast", "false", "--reload_interval", "1"]
    with log.open("wb") as output:
        server = subprocess.Popen([*command, *options], stdout=output, stderr=subprocess.STDOUT)
    opener = build_opener(ProxyHandler({}))
    try:
        address = _wait(lambda: _address(server, log))

        def fetch(path: str, body: Any = None, **query: str) -> bytes:
            data = None if body is None else json.dumps(body).encode()
            url = f"{address}/data/{path}" + (f"?{urlencode(query)}" if query else "")
            request = Request(url, data, {"Content-Type": "application/json"})
            with opener.open(request, timeout=WAIT) as answer:
                content: bytes = answer.read()
                return content

        _wait(lambda: b"hparams/train" in fetch("plugin/scalars/tags"))
        yield fetch
    finally:
        server.kill()
        server.wait(timeout=WAIT)


def _wait(ready: Callable[[], Any]) -> Any:
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("the TensorBoard server was not ready in time")


def _address(server: subprocess.Popen[bytes], log: Path) -> str | None:
    text = log.read_text(errors="replace")
    assert server.poll() is None, text
    found = re.search(r"http://[\w.]+:\d+", text)
    return None if found is None else found.group()


def test_scalars(get: Get) -> None:
    tags = json.loads(get("plugin/scalars/tags"))[RUN]
    assert {"zero_shot/interpolation", "gradient/norm", "time/generation", "rollout/ep_rew_mean"} <= set(tags)
    points = json.loads(get("plugin/scalars/scalars", run=RUN, tag="zero_shot/interpolation"))
    assert [step for _, step, _ in points] == [0, 512, 1024, 1536, 2048]
    assert all(0 <= value <= 200 for _, _, value in points)


def test_images(get: Get) -> None:
    images = json.loads(get("plugin/images/images", run=RUN, tag="return_over_context", sample="0"))
    assert images[-1]["step"] == 2048
    assert get(f"plugin/images/individualImage?{images[-1]['query']}").startswith(b"\x89PNG")


def test_projector(get: Get) -> None:
    assert RUN in json.loads(get("plugin/projector/runs"))
    _wait(lambda: json.loads(get("plugins_listing"))["projector"]["enabled"])
    (embedding,) = json.loads(get("plugin/projector/info", run=RUN))["embeddings"]
    name = embedding["tensorName"]
    assert embedding["tensorShape"] == [4, 4]
    assert len(get("plugin/projector/tensor", run=RUN, name=name)) == 4 * 4 * 4
    header, *rows = get("plugin/projector/metadata", run=RUN, name=name).decode().splitlines()
    assert header.split("\t") == ["task", "c0", "return"]
    assert [row.split("\t")[0] for row in rows] == ["c0=-5", "c0=-1", "c0=1", "c0=5"]


def test_hparams_with_final_metrics(get: Get) -> None:
    experiment = json.loads(get("plugin/hparams/experiment", {"experimentName": ""}))
    metrics = [info["name"]["tag"] for info in experiment["metricInfos"]]
    assert "hparams/interpolation" in metrics
    request = {
        "experimentName": "",
        "allowedStatuses": ["STATUS_SUCCESS"],
        "colParams": [{"metric": info["name"]} for info in experiment["metricInfos"]],
        "startIndex": 0,
        "sliceSize": 10,
    }
    (group,) = json.loads(get("plugin/hparams/session_groups", request))["sessionGroups"]
    assert group["hparams"]["algorithm.learning_rate"] == pytest.approx(3e-4)
    (session,) = group["sessions"]
    assert session["name"] == RUN
    values = {value["name"]["tag"]: value for value in session["metricValues"]}
    assert set(values) == set(metrics)
    assert values["hparams/interpolation"]["trainingStep"] == 2048


def test_custom_scalars_layout(get: Get) -> None:
    layout = json.loads(get("plugin/custom_scalars/layout"))
    chart = layout["category"][0]["chart"][0]
    (pattern,) = chart["multiline"]["tag"]
    for split in ("train", "extrapolation"):
        query = {"run": f"{RUN}/zero_shot/{split}", "tag": pattern}
        shown = json.loads(get("plugin/custom_scalars/scalars", **query))
        assert list(shown["tag_to_events"]) == ["Zero-shot/return"]


def test_the_chart_at_the_top_has_a_line_per_split(get: Get) -> None:
    """A run's color is its lines'; charts are sorted by their tags, capitals before other letters."""
    tags: dict[str, dict[str, object]] = json.loads(get("plugin/scalars/tags"))
    assert min(tag for run in tags for tag in tags[run]) == "Zero-shot/return"
    splits = ("train", "validation", "interpolation", "extrapolation")
    shown = {run for run in tags if "Zero-shot/return" in tags[run]}
    assert shown == {f"{RUN}/zero_shot/{split}" for split in splits}
    for split in splits:
        points, same = (
            json.loads(get("plugin/scalars/scalars", run=run, tag=tag))
            for run, tag in ((f"{RUN}/zero_shot/{split}", "Zero-shot/return"), (RUN, f"zero_shot/{split}"))
        )
        assert [point[1:] for point in points] == [point[1:] for point in same]
