"""One machine's Cove: reads the settings, builds the parts and wires server and node into one process."""
