"""Speed and learning benchmarks, and the pages that show their results: `python -m benchmarks.NAME`."""
