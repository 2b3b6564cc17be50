"""Predicting how good an untrained network would be, from facts and trainings."""
