"""Repository files in, build plan out. Pure: nothing here reads a disk, starts a process or opens a socket."""
