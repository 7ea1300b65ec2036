import numpy as np

from hyperrl.evaluation.canvas import Canvas


def test_captions_are_drawn_apart_and_inside_their_panel() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    caption = (*(f"feature_{number} = {number}" for number in range(7)), "return 12.3, step 45")
    canvas = Canvas([(100, 100)] * 2, [caption] * 2)
    blank = canvas.picture([(white, ("", "")), (white, ("", ""))])
    written = canvas.picture([(white, caption), (white, ("", ""))])
    rows, columns = np.nonzero((written != blank).any(axis=2))
    assert rows.max() < written.shape[0] - 300
    assert columns.max() < written.shape[1] // 2
    inked = np.flatnonzero((written != blank).any(axis=(1, 2)))
    lines = 1 + int((np.diff(inked) > 1).sum())
    assert lines >= 3  # features that do not fit beside each other go below
