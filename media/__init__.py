"""Packets, never pixels: peers, forwarding, taps."""
