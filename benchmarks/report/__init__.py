"""The results page, its figures and the README's table, written from `benchmarks/results`."""
