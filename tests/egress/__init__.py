"""What sessions reach: the hosts that the operator named, and nothing else."""
