"""Pixels to evidence to verdict: models, documents, faces, decision."""
