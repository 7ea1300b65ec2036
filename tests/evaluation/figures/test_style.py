from hyperrl.evaluation.figures import return_over_context
from hyperrl.evaluation.figures.style import COLORS
from hyperrl.tasks import Family
from tests.evaluation.figures.parts import Make, assert_nothing_overlaps_or_is_cut, ode_results


def test_agents_keep_their_colors_and_differ(result: Make, ode: Family) -> None:
    agents = {f"agent-{i}": ode_results(result, ode, 100.0 - i, 1) for i in range(6)}
    figure = return_over_context(agents, ode)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert [lines[name].get_color() for name in agents] == list(COLORS)
    assert len({lines[name].get_marker() for name in agents}) == 6
    assert_nothing_overlaps_or_is_cut(figure)


def test_the_style_stays_inside(result: Make, ode: Family) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    return_over_context({"hyper": ode_results(result, ode, 1.0, 1)}, ode)
    assert dict(matplotlib.rcParams) == before
