"""Floor 5: judging answers, blaming a stage, naming a finding, and what is known of it."""
