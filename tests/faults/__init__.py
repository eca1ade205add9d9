"""Planted faults: one small change each in a copy of an installed framework."""
