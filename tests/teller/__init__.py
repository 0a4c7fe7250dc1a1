"""Tests of teller."""
