"""Careers: where they are read or simulated, and how they become examples."""
