"""The words of figures: units, and the note on the worst task."""

from hyperrl.evaluation.figures import return_over_context
from hyperrl.tasks import Family
from tests.evaluation.figures.parts import Make


def test_the_worst_task_is_reported_with_its_part_of_the_oracle(result: Make, ode: Family) -> None:
    results = [result({"c0": c0}, mean, 100.0) for c0, mean in ((1.0, 43.0), (2.0, 99.0))]
    figure = return_over_context({"hyper": results}, ode)
    assert "worst task: 43 (43% of the oracle) at c0 = 1 1/time" in figure.legends[0].get_title().get_text()
    ring = next(line for line in figure.axes[0].get_lines() if line.get_label() == "worst task")
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([1.0], [43.0])  # type: ignore[arg-type]


def test_powers_are_raised_in_units(result: Make, cartpole: Family) -> None:
    results = [result({**cartpole.space.default, "gravity": g}, g) for g in (5.0, 10.0)]
    assert return_over_context({"a": results}, cartpole).axes[0].get_xlabel() == "gravity (m/s²)"
