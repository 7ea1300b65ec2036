from tests.training.conftest import start

__all__ = ["start"]
