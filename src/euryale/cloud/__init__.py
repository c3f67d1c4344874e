"""The hosting platform: an application of the framework, provisioned by its own workflows."""
