"""When a process that died is started again."""

from typing import NamedTuple

_MOST_DOUBLINGS = 30


class RestartPolicy(NamedTuple):
    """How long to wait before the next start.

    Attributes:
        first: Seconds after the first death; each further one doubles it.
        longest: Seconds it never exceeds.
        well: A process that ran this many seconds was well: counting begins anew.
    """

    first: float = 1.0
    longest: float = 60.0
    well: float = 60.0

    def deaths(self, before: int, lived: float) -> int:
        """Return how many deaths in a row it is now, after one that came ``lived`` seconds after its start."""
        return 1 if lived >= self.well else before + 1

    def delay(self, deaths: int) -> float:
        """Return the seconds to wait after ``deaths`` deaths in a row (at least one)."""
        doublings = min(deaths - 1, _MOST_DOUBLINGS)
        return min(self.longest, self.first * 2.0**doublings)
