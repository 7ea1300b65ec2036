"""What is done with many runs: comparisons and reports."""
