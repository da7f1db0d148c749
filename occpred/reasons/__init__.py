"""Reasons: who proposes them, who judges them, and which are kept."""
