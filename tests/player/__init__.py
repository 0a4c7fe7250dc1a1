"""Tests of the auditor's player, in real Chromium against a scripted server."""
