"""A report of many runs as one HTML page."""

from hyperrl.experiments.report.page import write_report

__all__ = ["write_report"]
