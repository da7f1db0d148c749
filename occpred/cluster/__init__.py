"""Jobs of a sweep on a machine or a cluster: what there is to share out, what runs, what became of it."""
