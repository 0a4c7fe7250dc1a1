"""Liveness: how fast, and which simulated attacks it accepts."""
