"""Tests mirror the packages; ``e2e`` runs real servers, peers and browsers."""
