"""Leads requests for a host name to a process."""
