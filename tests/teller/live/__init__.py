"""Tests of the live checks."""
