"""Tests of what the web apps share."""
