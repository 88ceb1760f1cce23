"""Everything that can go wrong, as one tree; each leaf says what cannot be done and what the reader should do.

    DeadlineBotError              exit 1
    ├── UsageError                exit 2   wrong arguments
    │   └── SettingsError         exit 2   a setting is missing or malformed
    ├── PersonNotFound            exit 1   nobody, or more than one, matches
    ├── CourseNotFound            exit 1   the last pull brought no such course
    ├── LmsError                  exit 1   the LMS cannot be read
    │   ├── LmsUnreachable                 no answer, or none that makes sense, within the pull's patience
    │   ├── LmsRefused                     it refuses our login
    │   ├── LmsBusy                        its rate limit asks us to wait longer than a pass may
    │   └── LmsAnswerError                 an answer that is not what its documentation says
    │       └── LmsShrunk                  a second look at a course brought far too little
    ├── SlackError                exit 1   Slack cannot be used
    │   ├── SlackRefused                   it refuses our token, for good
    │   ├── SlackDenied                    it refuses this one call, about one person or message
    │   └── SlackUnreachable               no answer
    ├── StoreError                exit 1   the store cannot be used
    │   ├── StoreEmpty                     nothing was pulled into it yet
    │   ├── StoreDamaged
    │   ├── StoreTooNew                    written by a newer program
    │   └── WrongWorkspace                 it belongs to another Slack workspace
    ├── FileNotWritten            exit 1   a file that was asked for
    ├── OutcomeUnknown            exit 1   a DM's fate could not be found out
    ├── Frozen                    exit 3   the safety freeze holds; nothing was sent
    └── AnotherCopy               exit 4   another copy is sending

cli.py turns the root into one line, `--json` and the exit code; nothing else prints an error. No vendor's answer and
no secret goes into a message.
"""

from __future__ import annotations

from typing import ClassVar


class DeadlineBotError(Exception):
    """The root: `message` says what cannot be done, `fix` what to do about it."""

    code: ClassVar[str] = "failed"
    exit_code: ClassVar[int] = 1
    fix: str = ""

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix or self.fix

    @property
    def line(self) -> str:
        """Message and fix on one line."""
        return " ".join(f"{self.message} {self.fix}".split())


class UsageError(DeadlineBotError):
    """The command was called with arguments that make no sense."""

    code = "usage"
    exit_code = 2
    fix = "See deadline-bot --help."


class SettingsError(UsageError):
    """A setting is missing or malformed; the message names it."""

    code = "settings"
    fix = "Set it in the environment or in .env; README.md has the table."


class PersonNotFound(DeadlineBotError):
    """Nobody, or more than one person, matches what was asked for."""

    code = "person_not_found"
    fix = "Give an e-mail address, an LMS id or a Slack id of one person."


class CourseNotFound(DeadlineBotError):
    """The last pull brought no such course."""

    code = "course_not_found"
    fix = "Give the course's id in the LMS, as explain shows it."


class LmsError(DeadlineBotError):
    """The LMS cannot be read; the earlier snapshot stays."""

    code = "lms"
    fix = "What was pulled before is kept; nothing is lost, and the next pass tries again."


class LmsUnreachable(LmsError):
    """No answer, or none that makes sense, within the patience of one pull."""

    code = "lms_unreachable"


class LmsRefused(LmsError):
    """The LMS refuses our login."""

    code = "lms_refused"
    fix = "Check ELOOMI_CLIENT_ID and ELOOMI_CLIENT_SECRET (eloomi: Settings, API)."


class LmsBusy(LmsError):
    """The LMS's rate limit asks us to wait longer than a pass may."""

    code = "lms_busy"


class LmsAnswerError(LmsError):
    """The LMS answered something else than its documentation says."""

    code = "lms_answer"


class LmsShrunk(LmsAnswerError):
    """A second look at a course brought so much less than is stored that it is not believed."""

    code = "lms_shrunk"
    fix = "Reminders of these courses wait for the next whole pull; the others were sent."


class SlackError(DeadlineBotError):
    """Slack cannot be used."""

    code = "slack"
    fix = "Nothing is lost: the next pass goes on where this one stopped."


class SlackRefused(SlackError):
    """Slack refuses our token, or the app lacks a right, for every call."""

    code = "slack_refused"
    fix = "Check SLACK_BOT_TOKEN and the app's scopes (api.slack.com/apps, OAuth & Permissions)."


class SlackDenied(SlackError):
    """Slack refuses this one call, about one person or one message; others may go on."""

    code = "slack_denied"


class SlackUnreachable(SlackError):
    """Slack gives no answer."""

    code = "slack_unreachable"


class StoreError(DeadlineBotError):
    """The store cannot be used."""

    code = "store"
    fix = "Check DATABASE_URL, the disk's free space and the folder's rights."


class StoreEmpty(StoreError):
    """Nothing was pulled into the store yet."""

    code = "store_empty"
    fix = "Run: deadline-bot pull. (On a platform, a one-off process has a disk of its own and can't see the worker's.)"


class StoreDamaged(StoreError):
    """The database file is damaged."""

    code = "store_damaged"
    fix = "Restore a backup, or move the file aside: the next pass reads back from Slack what was said."


class StoreTooNew(StoreError):
    """A newer program has written the store."""

    code = "store_too_new"
    fix = "Install the newer version again, or point DATABASE_URL at another file."


class WrongWorkspace(StoreError):
    """The store belongs to another Slack workspace than the token."""

    code = "wrong_workspace"
    fix = "Give each workspace a DATABASE_URL of its own."


class FileNotWritten(DeadlineBotError):
    """A file that was asked for cannot be written; the message names it."""

    code = "file"
    fix = "Name a file in a folder that exists and that you may write to."


class OutcomeUnknown(DeadlineBotError):
    """It could not be found out whether a DM arrived."""

    code = "outcome_unknown"
    fix = "The next pass reads it back from Slack before it sends anything to that person."


class Frozen(DeadlineBotError):
    """The safety freeze holds; nothing was sent."""

    code = "frozen"
    exit_code = 3
    fix = "Check the figures, then run: deadline-bot approve"


class AnotherCopy(DeadlineBotError):
    """Another copy of the bot is sending, from this store or from one of its own."""

    code = "another_copy"
    exit_code = 4
    fix = "Nothing was done; that copy does the work."
