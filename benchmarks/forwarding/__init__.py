"""CPU per forwarded packet, calls per core and memory per call: our media worker beside Janus."""
