"""What a network answered on test data, recorded as answers.json has it."""
