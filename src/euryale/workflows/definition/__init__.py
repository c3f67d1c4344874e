"""What a workflow is: steps, expressions, plans. Values only: nothing here runs, waits or reads."""
