"""Tests of the agent's console, in real Chromium against a scripted server."""
