"""Asking chat models, here or behind an endpoint: no answer lost, none paid for twice, nothing sent unnamed."""
