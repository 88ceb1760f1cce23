"""How long a delivery goes on with a Slack that takes nothing: so many posts, and waits, in a row.

Tells the pace what came of each post, and ends the delivery once it is no use. Sends nothing and stores nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import SlackUnreachable
from bot.jobs.pace import Pace


@dataclass(kw_only=True)
class Patience:
    """One delivery's, from its first post on."""

    pace: Pace
    trouble_most: int  # posts in a row without a usable answer,
    waits_most: int  # rate limits in a row without a single post,
    wait_seconds_most: float  # and the longest wait that one may ask for
    trouble: int = 0
    waits: int = 0

    def took(self) -> None:
        """Slack answered: it took the post, or refused it for good."""
        self.pace.took()
        self.trouble = self.waits = 0

    def must_wait(self, seconds: float) -> None:
        """Slack's rate limit asks to come back in so many seconds. Raises SlackUnreachable where that is too much."""
        self.waits += 1
        if self.waits > self.waits_most or seconds > self.wait_seconds_most:
            raise SlackUnreachable("Slack's rate limit lets nothing through.")
        self.pace.refused(seconds)

    def went_ill(self, error: str) -> None:
        """No usable answer. Raises SlackUnreachable where that is one too many in a row."""
        self.trouble += 1
        if self.trouble >= self.trouble_most:
            raise SlackUnreachable(f"Slack gave no usable answer to {self.trouble} posts in a row ({error}).")
