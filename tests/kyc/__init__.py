"""Tests of the identity checks."""
