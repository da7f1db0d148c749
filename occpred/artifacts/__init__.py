"""What stages leave behind and share: signatures, the store, locks and provenance."""
