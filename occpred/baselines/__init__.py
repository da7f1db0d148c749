"""Baselines: what a prediction must beat that reads nothing but the sequence of occupations."""
