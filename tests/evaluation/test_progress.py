import pytest

from hyperrl.evaluation import progress


class Reports:
    """A reporter that notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def __call__(self, done: int, total: int) -> None:
        self.calls.append((done, total))

    def phase(self, name: str, share: float | None = None) -> None:
        self.calls.append((name, share))

    def reached(self, mean_return: float) -> None:
        self.calls.append((mean_return,))


def test_a_reporter_is_reported_phases_and_shares_of_them_and_a_plain_hook_is_not() -> None:
    reports, plain = Reports(), list[tuple[int, int]]()
    progress.report_phase(reports, "stopping")
    share = progress.share_of(reports, "evaluating")
    assert share is not None
    share(3, 4)
    assert reports.calls == [("stopping", None), ("evaluating", 0.75)]

    def hook(done: int, total: int) -> None:
        plain.append((done, total))

    for each in (hook, None):
        progress.report_phase(each, "stopping")
        assert progress.share_of(each, "evaluating") is None
    assert plain == []


def test_each_of_several_runs_is_a_part_of_all() -> None:
    reports = Reports()
    for run in range(3):
        hook = progress.run_progress(reports, run, 3)
        assert hook is not None
        hook(5, 10)
    assert reports.calls == [(5, 30), (15, 30), (25, 30)]
    assert progress.run_progress(None, 0, 3) is None


def test_a_ticker_calls_now_and_then_and_whenever_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    reports, now = Reports(), 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    tick = progress.Ticker(reports)
    for now in (0.0, 0.05, 0.12, 0.15):
        tick(round(100 * now), 15)
    tick.call(15, 15)
    assert reports.calls == [(0, 15), (12, 15), (15, 15)]


def test_parts_of_the_work_follow_each_other() -> None:
    reports = Reports()
    first, _, last = progress.parts_of(reports, (10, 0, 40))
    assert first is not None
    assert last is not None
    first(5, 10)
    first(10, 10)
    last(4, 40)
    last(40, 40)
    assert reports.calls == [(5, 50), (10, 50), (14, 50), (50, 50)]
    assert progress.parts_of(None, (1, 2)) == [None, None]


def test_a_forwarding_reporter_hands_on_all_that_the_other_takes() -> None:
    reports = Reports()
    forwarding = progress.ForwardingReporter(reports)
    assert isinstance(forwarding, progress.Reporter)
    forwarding(1, 2)
    forwarding.phase("training", 0.5)
    forwarding.reached(3.0)
    forwarding.validated(4.0, 100)
    assert reports.calls == [(1, 2), ("training", 0.5), (3.0,)]

    class Validating(Reports):
        def validated(self, best: float, steps: int) -> None:
            self.calls.append((best, steps))

    validating = Validating()
    progress.ForwardingReporter(validating).validated(4.0, 100)
    assert validating.calls == [(4.0, 100)]
