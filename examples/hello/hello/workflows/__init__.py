"""What takes several steps, and is finished or undone."""
