"""What holds for every test."""

from hypothesis import settings

# A full machine is slow, not wrong: how long an example takes is no property.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
