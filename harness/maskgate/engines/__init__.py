"""Floor 6: running the suite, diffing, identifying; events out. No engine knows a reporter."""
