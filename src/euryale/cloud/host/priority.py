"""Being modest with the processor."""

import contextlib
import os
from pathlib import Path


def lower_priority(pid: int, niceness: int) -> None:
    """Let a process, and all that it starts from now on, yield to others.

    A niceness alone counts only within a session where the kernel groups processes by session (sched(7), "The autogroup
    feature"); so its session yields as well. What is not allowed is left as it is.

    Args:
        pid: The process, which leads its session.
        niceness: From 0 for none to 19 for most.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
        Path(f"/proc/{pid}/autogroup").write_text(f"{niceness}\n", encoding="ascii")
