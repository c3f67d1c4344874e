"""The application framework: one composition root, and rooms around it."""
