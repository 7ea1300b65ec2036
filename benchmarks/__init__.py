"""Benchmarks of speed, learning and reliability, and the pages that show their results."""
