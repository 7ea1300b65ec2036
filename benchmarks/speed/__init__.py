"""What training, weights, replay, evaluation and checkpoints cost: `python -m benchmarks.speed.NAME`."""
