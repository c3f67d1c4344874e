"""What the application says at ``GET /``. Change it on a branch, and look at the preview."""

MESSAGE = "Hello from production"
