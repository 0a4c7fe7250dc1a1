"""The demo: scripted callers, their pictures and sound, and the case they play."""
