"""What must survive the call: journal, segments, timeline, merge, manifest, archive, playback."""
