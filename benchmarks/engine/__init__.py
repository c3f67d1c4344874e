"""The workflow engine, measured beside its peers and beside the bare database, in one run on one machine."""
