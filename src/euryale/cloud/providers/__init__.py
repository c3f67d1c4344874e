"""Families of providers: for each, a contract and its members. Only ``app.py`` names a member."""
