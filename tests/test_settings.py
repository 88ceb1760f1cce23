"""The environment, `.env` and policy.toml: what is wrong is named in one line, and no value is ever repeated."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from bot.deadlines.terms import CourseSteps, Policy
from bot.errors import SettingsError
from bot.settings import load, read_policy

ROOT = Path(__file__).resolve().parent.parent
NEEDED = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "ELOOMI_CLIENT_ID": "client",
    "ELOOMI_CLIENT_SECRET": "hidden",
    "ELOOMI_COURSE_URL": "https://lms.example.com/{course_id}",
}


@pytest.fixture(autouse=True)
def an_empty_folder(no_settings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env`, no policy.toml and no setting."""
    monkeypatch.chdir(tmp_path)


def refused() -> str:
    """The line with which the settings are refused."""
    with pytest.raises(SettingsError) as error:
        load()
    assert "\n" not in error.value.line
    assert error.value.exit_code == 2
    assert error.value.fix
    return error.value.line


# ── the environment ──


def test_with_what_is_needed_a_pass_can_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    settings = load()
    settings.need_what_a_pass_needs()
    assert settings.course_url(42) == "https://lms.example.com/42"
    assert settings.policy == Policy()


@pytest.mark.parametrize("missing", NEEDED)
@pytest.mark.parametrize("how", ["not set", "empty"])
def test_what_is_missing_is_named_with_where_to_get_it(monkeypatch: pytest.MonkeyPatch, missing: str, how: str) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    if how == "empty":
        monkeypatch.setenv(missing, "")
    else:
        monkeypatch.delenv(missing)
    settings = load()
    with pytest.raises(SettingsError, match=f"^{missing} is not set") as error:
        settings.need_what_a_pass_needs()
    assert "Get it from" in error.value.line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-S3CRET"),
        ("SLACK_BOT_TOKEN", "xoxb-S3CRET with blanks"),
        ("SLACK_BOT_TOKEN", "xoxb-S3CRET\n"),
        ("SLACK_BOT_TOKEN", "xoxb-S3CRETø"),
        ("SLACK_APP_TOKEN", "xoxb-S3CRET"),
        ("SLACK_SIGNING_SECRET", "   "),
        ("SLACK_API_URL", "slack.com/api/S3CRET"),
        ("SLACK_API_URL", "http://slack.example.com/S3CRET"),
        ("SLACK_API_URL", "ftp://S3CRET.example.com"),
        ("SLACK_API_URL", "https://"),
        ("SLACK_ADMINS", "U123,S3CRET-person"),
        ("SLACK_ADMINS", "s3cret@example.com"),
        ("ELOOMI_CLIENT_SECRET", "   "),
        ("ELOOMI_API_URL", "http://S3CRET.example.com"),
        ("ELOOMI_API_URL", "https://[S3CRET]/"),
        ("ELOOMI_API_URL", "https://user:S3CRET@exa\u2100mple.com/"),
        ("ELOOMI_TIMEZONE", "Mars/S3CRET"),
        ("ELOOMI_TIMEZONE", "../S3CRET"),
        ("ELOOMI_COURSE_URL", "https://lms.example.com/S3CRET"),
        ("ELOOMI_COURSE_URL", "http://lms.example.com/{course_id}?S3CRET"),
        ("DATABASE_URL", "postgresql://user:S3CRET@db/bot"),
        ("DATABASE_URL", "sqlite:///"),
        ("DEFAULT_TIMEZONE", "S3CRET"),
        ("DEFAULT_LANGUAGE", "S3CRET"),
        ("DEFAULT_LANGUAGE", "fr"),
        ("HEARTBEAT_URL", "http://hc.example.com/S3CRET"),
        ("RETENTION_DAYS", "S3CRET"),
        ("LOG_FORMAT", "S3CRET"),
        ("LOG_LEVEL", "S3CRET"),
    ],
)
def test_what_is_malformed_is_named_and_never_repeated(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    line = refused()
    assert line.startswith(f"{name} ")
    assert "s3cret" not in line.lower()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_API_URL", "http://127.0.0.1:8080/api/"),
        ("SLACK_API_URL", "http://localhost/api/"),
        ("SLACK_API_URL", "http://[::1]:8080/api/"),
        ("SLACK_API_URL", "https://slack-gov.com/api/"),
        ("SLACK_ADMINS", "U123, W456 ,"),
        ("SLACK_ADMINS", ""),
        ("DEFAULT_LANGUAGE", "da-DK"),
        ("ELOOMI_COURSE_URL", "http://127.0.0.1/{course_id}"),
        ("LOG_FORMAT", ""),
    ],
)
def test_what_is_right_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    load()


def test_several_admins_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_ADMINS", "U123, W456 ,")
    assert load().slack_admins == ("U123", "W456")


def test_a_file_env_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SLACK_BOT_TOKEN=xoxb-file\nDEFAULT_LANGUAGE=da\nUNKNOWN=1\n", encoding="utf-8")
    monkeypatch.setenv("DEFAULT_LANGUAGE", "de")
    settings = load()
    assert settings.secret("slack_bot_token") == "xoxb-file"
    assert settings.default_language == "de"


def test_a_file_env_that_is_no_text_is_named() -> None:
    Path(".env").write_bytes(b"SLACK_BOT_TOKEN=\xff\xfe")
    assert refused().startswith(".env cannot be read")


def test_a_wrong_value_in_the_file_env_is_named_too() -> None:
    Path(".env").write_text("SLACK_BOT_TOKEN=S3CRET\n", encoding="utf-8")
    line = refused()
    assert line.startswith("SLACK_BOT_TOKEN ")
    assert "S3CRET" not in line


def test_no_secret_shows_when_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_SIGNING_SECRET", "ELOOMI_CLIENT_SECRET", "REMINDER_KEY", "METRICS_TOKEN"):
        monkeypatch.setenv(name, "S3CRET")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-S3CRET")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-S3CRET")
    settings = load()
    assert "S3CRET" not in f"{settings!r} {settings} {settings.model_dump()}"


def test_the_reminder_key_is_derived_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELOOMI_CLIENT_SECRET", "hidden")
    (derived,) = load().reminder_keys
    assert derived != b"hidden"
    assert load().reminder_keys == (derived,)
    monkeypatch.setenv("REMINDER_KEY", "new, old")
    assert load().reminder_keys == (b"new", b"old", derived), "what was used before any was set is still recognised"


def test_every_setting_has_its_documented_default() -> None:
    settings = load()
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.eloomi_api_url == "https://api.eloomi.com"
    assert settings.database_path == Path("data/bot.db")
    assert (settings.eloomi_timezone, settings.default_timezone, settings.default_language) == ("UTC", "UTC", "en")
    assert (settings.retention_days, settings.log_format, settings.log_level) == (730, None, "INFO")
    assert (settings.slack_is_local, settings.lms_is_local) == (False, False)


# ── policy.toml ──


def policy_refused(text: str) -> str:
    """The line with which this policy is refused."""
    Path("policy.toml").write_text(text, encoding="utf-8")
    line = refused()
    assert "policy.toml" in line
    return line


def test_the_repositorys_file_holds_every_default() -> None:
    assert read_policy(ROOT / "policy.toml", must_exist=True) == Policy()
    text = (ROOT / "policy.toml").read_text(encoding="utf-8")
    for section in fields(Policy):
        assert f"[{section.name}" in text
        for key in fields(getattr(Policy(), section.name)) if section.name not in ("course", "texts") else ():
            assert f"\n{key.name} = " in text


def test_without_a_file_the_defaults_hold_but_one_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().policy == Policy()
    monkeypatch.setenv("POLICY_FILE", "elsewhere.toml")
    assert refused().startswith("POLICY_FILE elsewhere.toml cannot be read")


def test_a_folder_in_place_of_the_file_is_refused() -> None:
    Path("policy.toml").mkdir()
    assert "POLICY_FILE policy.toml cannot be read" in refused()


SECTIONS = [field.name for field in fields(Policy) if field.name not in ("course", "texts")]
KEYS = [(section, key.name) for section in SECTIONS for key in fields(getattr(Policy(), section))]


@pytest.mark.parametrize("section", SECTIONS)
def test_an_unknown_key_is_named(section: str) -> None:
    line = policy_refused(f"[{section}]\nnonsense = 1\n")
    assert f"{section}.nonsense is no key of the policy" in line


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_a_key_of_a_wrong_type_is_named(section: str, key: str) -> None:
    line = policy_refused(f"[{section}]\n{key} = {{ wrong = [1.5] }}\n")
    assert f"{section}.{key}" in line


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("steps", "before_days", "[400]"),
        ("steps", "before_days", '["7"]'),
        ("steps", "before_days", "7"),
        ("steps", "overdue_working_days", "[0]"),
        ("steps", "give_up_after_days", "-1"),
        ("steps", "give_up_after_days", "30.5"),
        ("steps", "nag_on_last_workday", "1"),
        ("steps", "nag_on_last_workday", '"yes"'),
        ("hours", "end", '"09:00"'),
        ("hours", "start", '"25:00"'),
        ("hours", "start", "9"),
        ("hours", "working_weekdays", '["monday"]'),
        ("hours", "days_off", '["31-12"]'),
        ("hours", "days_off", '["2027-02-30"]'),
        ("hours", "subdivisions", '["DE"]'),
        ("caps", "reminders_in_7_days", "8"),
        ("caps", "gather_days", "true"),
        ("away", "nag_wait_days", "-1"),
        ("personal", "hour_to", '"07:00"'),
        ("pace", "posts_per_second", "-1"),
        ("pace", "posts_per_second", "inf"),
        ("pace", "posts_per_second", "nan"),
        ("pull", "every_minutes", "1"),
        ("pull", "stale_after_hours", "0"),
        ("freeze", "busy_pass_percent", "101"),
        ("freeze", "first_pass_people", "-1"),
        ("managers", "digest_weekday", '"monday"'),
        ("audience", "team_ids", '["7"]'),
        ("match", "domains", '{ "acme.dk" = 1 }'),
        ("match", "domains", '{ "@acme.dk" = "acme.com" }'),
        ("audience", "emails", '["anna"]'),
        ("away", "emoji", '["palm_tree"]'),
        ("away", "words", '[""]'),
        ("hours", "start", '"09:30+02:00"'),
        ("hours", "end", '"10:15"'),
        ("personal", "hour_from", '"08:00Z"'),
        ("managers", "digest_time", '"09:30Z"'),
    ],
)
def test_a_value_that_is_wrong_or_out_of_range_is_named_with_its_key(section: str, key: str, value: str) -> None:
    line = policy_refused(f"[{section}]\n{key} = {value}\n")
    assert section in line
    assert key in line


@pytest.mark.parametrize("key", [field.name for field in fields(CourseSteps)])
def test_a_course_of_its_own_is_checked_too(key: str) -> None:
    assert f"course.42.{key}" in policy_refused(f"[course.42]\n{key} = {{ wrong = 1 }}\n")


@pytest.mark.parametrize(
    "text", ["[course.42]\ngive_up_after_days = -1\n", "[course.abc]\noff = true\n", "course = 1\n"]
)
def test_a_course_out_of_range_or_without_a_number_is_refused(text: str) -> None:
    assert "course" in policy_refused(text)


def test_a_course_may_have_steps_of_its_own() -> None:
    Path("policy.toml").write_text("[course.42]\nbefore_days = [1]\n[course.43]\noff = true\n", encoding="utf-8")
    policy = load().policy
    assert policy.steps_of(42).before_days == (1,)
    assert policy.steps_of(41) == policy.steps
    assert (policy.is_off(43), policy.is_off(42)) == (True, False)


@pytest.mark.parametrize("start", ['"08:15"', "08:15:00", '"08:15:00"'])
def test_a_time_may_be_written_as_text_or_as_tomls_own(start: str) -> None:
    Path("policy.toml").write_text(f"[hours]\nstart = {start}\n", encoding="utf-8")
    assert f"{load().policy.hours.start:%H:%M}" == "08:15"


@pytest.mark.parametrize("text", ["[steps\n", "a = 1\na = 2\n", "x = " + "[" * 3000])
def test_what_is_no_toml_is_said_to_be_none(text: str) -> None:
    assert "is not valid TOML" in policy_refused(text)


def test_an_unknown_section_is_named() -> None:
    assert "nonsense is no key of the policy" in policy_refused("[nonsense]\na = 1\n")
