"""The machine that the platform stands on: accounts, processes, ports and bundled programs."""
