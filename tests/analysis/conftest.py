from tests.training.conftest import no_figures, nothing_but_training, start

__all__ = ["no_figures", "nothing_but_training", "start"]
