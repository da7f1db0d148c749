"""Several processes that work on one job, each on a device of its own."""
