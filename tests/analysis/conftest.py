from tests.training.conftest import no_telemetry, nothing_but_training, start

__all__ = ["no_telemetry", "nothing_but_training", "start"]
