"""Backbones, adapters, how their layers are computed, and generation."""

from __future__ import annotations

from occpred.silence import silence_peft

# PEFT is imported in many places, and speaks at the first.
silence_peft()
