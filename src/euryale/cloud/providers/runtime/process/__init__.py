"""The runtime of a bare machine: each instance has a small supervisor process of its own that outlives the platform.

platform process                      detached, one per instance
``runtime.ProcessRuntime``  --spec--> ``supervisor``  --starts, restarts, ends--> the application's processes
                            <-state-- (and a lock that it holds for as long as it lives)

``records``, ``backoff``, ``logfile`` and ``host.procfs`` are used on both sides or by the supervisor alone, and import
next to nothing: what they import is paid for by every instance.
"""
