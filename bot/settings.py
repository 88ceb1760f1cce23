"""The environment (also `.env`) and policy.toml, read once into one frozen Settings.

interface.md, "Environment", and policy.toml. A missing or malformed value is a SettingsError: one line
that names it, says what is wrong and where to get it. No value is ever repeated in an error: it may be a secret.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from functools import cached_property
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.deadlines.calendar import zone_info
from bot.deadlines.terms import Policy
from bot.errors import SettingsError
from bot.slack.words import languages

WHERE = {
    "SLACK_BOT_TOKEN": "the app's page at Slack, OAuth & Permissions, Bot User OAuth Token",
    "SLACK_APP_TOKEN": "the app's page at Slack, Basic Information, App-Level Tokens, scope connections:write",
    "SLACK_SIGNING_SECRET": "the app's page at Slack, Basic Information, Signing Secret",
    "SLACK_ADMINS": "each admin's Slack profile, More, Copy member ID",
    "ELOOMI_CLIENT_ID": "eloomi, Settings, API",
    "ELOOMI_CLIENT_SECRET": "eloomi, Settings, API",
    "ELOOMI_COURSE_URL": "a course's address in eloomi, with {course_id} in place of its number",
}


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _web(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")  # its text repeats the value
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address such as https://example.com/")
    if parts.scheme == "http" and not _is_loopback(url):
        raise ValueError("must begin with https:// (http only for this machine)")
    return url


def _course_url(url: str) -> str:
    if "{course_id}" not in url:
        raise ValueError("must hold {course_id} where the course's number goes")
    return _web(url)


def _language(code: str) -> str:
    """A language's short code, given so or with a country's ("da-DK")."""
    short = code.replace("_", "-").partition("-")[0].lower()
    if short not in languages():
        raise ValueError(f"must be one of {', '.join(sorted(languages()))}")
    return short


def _zone(name: str) -> str:
    if zone_info(name) is None:
        raise ValueError('is no time zone of the tz database, such as "Europe/Copenhagen"')
    return name


def _database(url: str) -> str:
    if not url.startswith("sqlite:///") or len(url) <= len("sqlite:///"):
        raise ValueError("must be sqlite:/// and a path, such as sqlite:///data/bot.db")
    return url


def _begins(*prefixes: str) -> Callable[[SecretStr], SecretStr]:
    def check(value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[\x21-\x7e]+", text := value.get_secret_value()) or not text.startswith(prefixes):
            raise ValueError(f"must begin with {' or '.join(prefixes)} and hold no blanks")
        return value

    return check


def _filled(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().strip():
        raise ValueError("is empty")
    return value


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _slack_ids(ids: tuple[str, ...]) -> tuple[str, ...]:
    if not all(re.fullmatch(r"[UW][A-Z0-9]{2,30}", one) for one in ids):
        raise ValueError("must be Slack member ids such as U0123ABCD, comma-separated")
    return ids


Web = Annotated[str, AfterValidator(_web)]
Zone = Annotated[str, AfterValidator(_zone)]


class Settings(BaseSettings):
    """Every setting of the environment; `policy` is policy.toml. A field is its variable's name in lower case."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True, env_ignore_empty=True
    )

    slack_bot_token: Annotated[SecretStr, AfterValidator(_begins("xoxb-"))] | None = None
    slack_app_token: Annotated[SecretStr, AfterValidator(_begins("xapp-"))] | None = None
    slack_signing_secret: Annotated[SecretStr, AfterValidator(_filled)] | None = None
    slack_api_url: Web = "https://slack.com/api/"
    slack_admins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_slack_ids)] = ()
    eloomi_client_id: str | None = None
    eloomi_client_secret: Annotated[SecretStr, AfterValidator(_filled)] | None = None
    eloomi_api_url: Web = "https://api.eloomi.com"
    eloomi_timezone: Zone = "UTC"
    eloomi_course_url: Annotated[str, AfterValidator(_course_url)] | None = None
    database_url: Annotated[str, AfterValidator(_database)] = "sqlite:///data/bot.db"
    policy_file: Path = Path("policy.toml")
    default_timezone: Zone = "UTC"
    default_country: str | None = None
    default_language: Annotated[str, AfterValidator(_language)] = "en"
    reminder_key: SecretStr | None = None
    heartbeat_url: Web | None = None
    metrics_token: SecretStr | None = None
    litestream_replica_url: str | None = None
    retention_days: Annotated[int, Field(ge=1)] = 730
    log_format: Literal["text", "json"] | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    policy: Policy = Policy()

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return Path(self.database_url.removeprefix("sqlite:///"))

    @property
    def policy_source(self) -> str:
        """Where the policy comes from, for people to check: without the file, every default holds."""
        return (
            str(self.policy_file)
            if self.policy_file.exists()
            else f"the defaults (there is no {self.policy_file} here)"
        )

    @property
    def policy_digest(self) -> str:
        """The same for the same policy: by which of them something was decided."""
        return sha256(repr(self.policy).encode()).hexdigest()[:12]

    @property
    def slack_is_local(self) -> bool:
        """Whether Slack is a stand-in on this machine."""
        return _is_loopback(self.slack_api_url)

    @property
    def lms_is_local(self) -> bool:
        """Whether the LMS is a stand-in on this machine."""
        return _is_loopback(self.eloomi_api_url)

    @cached_property
    def reminder_keys(self) -> tuple[bytes, ...]:
        """The keys of the hashes in a DM's metadata: the first is used, the others are still recognised."""
        text = self.reminder_key.get_secret_value() if self.reminder_key else ""
        own = [part.strip().encode() for part in text.split(",") if part.strip()]
        derived = sha256(b"reminder-key:" + self.secret("eloomi_client_secret").encode()).digest()
        return (*own, derived)  # used where there is no other, and recognised where there was none before

    def secret(self, name: str) -> str:
        """A setting's text, for the library that needs it. Raises SettingsError where it is missing."""
        value = getattr(self, name)
        if value is None:
            raise _missing(name.upper())
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    def course_url(self, course_id: int) -> str:
        """Where a course is opened."""
        return (self.eloomi_course_url or "").replace("{course_id}", str(course_id))

    def need(self, *names: str) -> None:
        """Raise SettingsError for the first of these variables that is not set; `A|B`: either will do."""
        for name in names:
            if not any(getattr(self, one.lower()) is not None for one in name.split("|")):
                raise _missing(name)

    def need_what_a_pass_needs(self) -> None:
        """Raise SettingsError unless everything is there to pull and to send."""
        self.need("SLACK_BOT_TOKEN", "ELOOMI_CLIENT_ID", "ELOOMI_CLIENT_SECRET", "ELOOMI_COURSE_URL")


def load() -> Settings:
    """Read the environment, `.env` and policy.toml. Raises SettingsError."""
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]).upper()
        raise SettingsError(f"{name} {_said(first)}.", fix=_fix(name)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f".env cannot be read: {type(error).__name__}.", fix="It must be UTF-8 text.") from error
    given = "policy_file" in settings.model_fields_set
    return settings.model_copy(update={"policy": read_policy(settings.policy_file, must_exist=given)})


def read_policy(path: Path, *, must_exist: bool = False) -> Policy:
    """policy.toml; the defaults where there is none. Raises SettingsError naming file and key."""
    if not path.exists() and not must_exist:
        return Policy()
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"POLICY_FILE {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.", fix="Correct that line.") from error
    try:
        # As JSON, since only there a text may be a time of day while 1 is no truth value and "7" no list.
        return TypeAdapter(Policy).validate_json(json.dumps(found, default=str), strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise SettingsError(f"{path}: {_wrong(first)}.", fix="The project's policy.toml lists every key.") from None


def _wrong(error: Any) -> str:
    """The key and what is wrong with it; a section's own check begins with the key within it."""
    where, said = _key(error["loc"]), _said(error)
    if error["type"] != "value_error":
        return f"{where or 'the file'} {said}"
    return f"{where}.{said}" if where else said


def _key(where: Iterable[int | str]) -> str:
    return ".".join(str(part) for part in where if not isinstance(part, int) and part != "[key]")


def _said(error: Any) -> str:
    """What is wrong, in a few words, without the value."""
    if error["type"] == "unexpected_keyword_argument":
        return "is no key of the policy"
    text = str(error["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    text = text.replace("a valid integer, unable to parse string as an integer", "a whole number")
    text = text.replace("a valid integer", "a whole number")
    return text if re.match(r"(must|is|has|[\w.]+ must)\b", text) else f"is not right: {text}"


def _fix(name: str) -> str:
    return f"Get it from {WHERE[name]}." if name in WHERE else SettingsError.fix


def _missing(name: str) -> SettingsError:
    return SettingsError(f"{name.replace('|', ' or ')} is not set.", fix=_fix(name.partition("|")[0]))
