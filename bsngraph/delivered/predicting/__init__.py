"""What a delivered network says of examples, as files."""
