"""The few things that two floors need: clock, ids, errors, secrets, telemetry, lifecycle. Standard library only."""
