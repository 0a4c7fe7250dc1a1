"""Liveness and continuity of the people in calls: frames from media workers, models, facts in the journal."""
