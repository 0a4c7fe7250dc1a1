"""Measuring the models on a bank's own pictures: error rates with bounds, calibration cards, speed."""
