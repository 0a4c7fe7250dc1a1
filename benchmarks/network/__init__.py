"""Calls over bad networks: two namespaces joined by an emulated path, Chromium at its far end."""
