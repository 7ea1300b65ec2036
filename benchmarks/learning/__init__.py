"""What agents learn: one small JSON file a run below `benchmarks/results`."""
