from base64 import b64decode
from io import BytesIO

from matplotlib.figure import Figure
from PIL import Image

from hyperrl.experiments.report.images import picture


def test_a_figure_becomes_an_image_in_the_page() -> None:
    figure = Figure(figsize=(4, 2))
    figure.subplots().plot([0, 1])
    found = picture(figure, "a line")
    head, _, data = found.source.partition(",")
    assert head == "data:image/png;base64"
    image = Image.open(BytesIO(b64decode(data)))
    assert image.size == (520, 260)
    assert image.mode == "P"
    assert (found.caption, found.width, found.lines) == ("a line", 400, True)
