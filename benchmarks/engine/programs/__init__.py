"""What is measured: one program each, in a process of its own, which is told by the benchmark what to do.

A program of a peer runs in the environment that was made for peers: it imports nothing of ours but ``telling``.
"""
