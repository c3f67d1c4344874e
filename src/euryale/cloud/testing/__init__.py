"""Behavioural suites of the provider families: a member, yours too, is right when it passes its family's suite."""
