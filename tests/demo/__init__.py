"""Tests of the demo's callers: what they show, say and carry."""
