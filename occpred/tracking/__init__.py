"""Where a run's metrics go while it runs: files, W&B, or what implements `Tracking` next."""
