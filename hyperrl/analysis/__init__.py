"""Measures what a recipe costs and how its networks start."""
