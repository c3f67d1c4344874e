"""The program behind ``scripts/demo``: the main job of the platform, shown on a real application, and checked."""
