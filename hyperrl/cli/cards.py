"""Where the model card of a file is, in the lines that a command prints at its end."""

from pathlib import Path

from hyperrl.cli import console


def pairs(file: Path) -> list[tuple[str, str]]:
    """The card's path with its name; none where there is no card."""
    from hyperrl.deploy.cards.readme import find_card

    card = find_card(file)
    return [] if card is None else [("card", str(card))]


def note(file: Path) -> None:
    """Say that the folder's README.md stays as it is, where HyperRL did not write it or it was changed."""
    from hyperrl.deploy.cards.readme import NAME, find_card

    card = find_card(file)
    if card is None or card.name != NAME:
        readme, there = str(file.with_name(NAME)), "there is no new card" if card is None else "it stays"
        console.line(f"note: {readme!r} is not as HyperRL wrote it; {there}")
