"""Ways to isolate, one module each; none knows another."""
