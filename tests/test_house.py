"""What the files at the top level say is what the code does."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

import bot
from bot.answers import actions, commands
from bot.cli import app
from bot.deadlines.model import Reason
from bot.deadlines.terms import Policy
from bot.errors import AnotherCopy
from bot.jobs.alone import RECIPIENTS
from bot.jobs.deliver import WATCH_SECONDS
from bot.jobs.remind import LEASE_WAIT_SECONDS
from bot.jobs.settle import WAIT_SECONDS
from bot.settings import Settings, read_policy
from bot.slack import digests
from bot.slack.api import LAG_SECONDS, TIMEOUT_SECONDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
POLICY = (ROOT / "policy.toml").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))


def table(heading: str) -> dict[str, str]:
    """The README's table under a heading: first column, the rest of the row."""
    section = README.split(f"### {heading}\n")[1].split("\n#")[0]
    return {row[1]: row[2] for row in re.finditer(r"^\| `([^`]+)` \|(.*)\|$", section, re.MULTILINE)}


def program() -> dict[str, Any]:
    """The commands of the command line, by name."""
    found: Any = get_command(app)
    return dict(found.commands)


# ── README ──


def test_the_readme_names_every_setting_and_no_other() -> None:
    assert set(table("Settings")) == {name.upper() for name in Settings.model_fields if name != "policy"}


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - {"policy", "log_format", "reminder_key"}))
def test_the_readme_gives_each_settings_default(name: str) -> None:
    default = Settings.model_fields[name].default
    said = table("Settings")[name.upper()].split("|")[0].strip()
    assert said == (f"`{default}`" if default not in (None, ()) else "–")


def test_the_readme_names_every_command_and_no_other() -> None:
    assert set(table("Commands")) == set(program())


@pytest.mark.parametrize("name", sorted(program()))
def test_the_readme_names_every_option_of_a_command(name: str) -> None:
    options = {option for param in program()[name].params for option in param.opts if option.startswith("--")}
    assert set(re.findall(r"--[a-z-]+", table("Commands")[name])) == options - {"--help", "--clock"}


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_readmes_first_commands_are_targets(command: str) -> None:
    assert f"    {command} " in README
    assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/delivery.md"])
def test_every_command_of_make_that_a_page_names_is_a_target(page: str) -> None:
    named = set(re.findall(r"^    make ([a-z]+)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named
    assert named <= targets


def test_the_times_that_the_page_on_delivery_names_are_the_programs() -> None:
    page = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
    assert f"{WAIT_SECONDS} seconds from the claim ({TIMEOUT_SECONDS} for our time-out, {LAG_SECONDS} for" in page
    assert f"waits {LEASE_WAIT_SECONDS} s and exits with {AnotherCopy.exit_code}" in page
    assert ("first five recipients" in page) == (RECIPIENTS == 5)
    assert ("every ten seconds" in page) == (WATCH_SECONDS == 10)


def test_the_readme_names_no_file_that_is_not_there() -> None:
    named = set(re.findall(r"`([\w./-]+\.(?:md|toml|yml)|Procfile)`", README))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


# ── docs ──


def test_the_policys_page_names_every_reason_in_its_order() -> None:
    page = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    listed = re.findall(r"`([a-z_]+)`", page.split("## The reasons, in order")[1])
    assert listed == [reason.value for reason in Reason]


def test_every_rule_that_the_code_cites_is_a_heading_of_its_page() -> None:
    headings = {
        name: set(re.findall(r"^## (.+)$", (ROOT / "docs" / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("policy.md", "interface.md")
    }
    cited = [
        (page, heading)
        for path in (ROOT / "bot").rglob("*.py")
        for page, heading in re.findall(r'(policy\.md|interface\.md), "([^"]+)"', path.read_text(encoding="utf-8"))
    ]
    assert cited
    assert [(page, heading) for page, heading in cited if heading not in headings[page]] == []


def test_the_interfaces_page_names_every_event_that_is_logged() -> None:
    page = (ROOT / "docs" / "interface.md").read_text(encoding="utf-8").split("## Logs")[1]
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py"))
    logged = set(re.findall(r'(?:log\.\w+|_went_well)\(\s*"([a-z]+\.[a-z_]+)"', source))
    logged |= set(re.findall(r'"(lease\.\w+|pass\.frozen|pass\.done)"', source))
    assert logged == set(re.findall(r"`([a-z]+\.[a-z_]+)`", page))


# ── policy.toml ──


def test_the_policy_file_carries_the_defaults() -> None:
    assert read_policy(ROOT / "policy.toml") == Policy()


def test_the_policy_file_has_every_key() -> None:
    sections = {name: set(fields_of(value)) for name, value in fields_of(Policy()).items()}
    for written_by_each_customer in ("course", "texts"):
        del sections[written_by_each_customer]
    assert {name: set(keys) for name, keys in tomllib.loads(POLICY).items()} == sections


def test_the_policy_file_explains_every_table_or_each_of_its_keys() -> None:
    for table_of_file in POLICY.split("\n[")[1:]:
        heading, *keys = [line for line in table_of_file.splitlines() if line and not line.startswith("#")]
        assert "#" in heading or all("#" in key for key in keys), heading


def fields_of(section: Any) -> dict[str, Any]:
    """The keys of a table of the policy; those of a mapping are the customer's own."""
    return {f.name: getattr(section, f.name) for f in fields(section)} if is_dataclass(section) else {}


# ── manifest, Procfile ──


def test_the_manifest_asks_for_the_scopes_that_the_bot_uses_and_no_more() -> None:
    assert MANIFEST["oauth_config"]["scopes"] == {
        "bot": ["chat:write", "commands", "im:history", "im:read", "users:read", "users:read.email"]
    }


def test_every_event_of_the_manifest_is_listened_to() -> None:
    events = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
    assert sorted(events) == ["app_home_opened", "message.im"]
    assert {event.split(".")[0] for event in events} == set(commands.EVENTS)


def test_every_command_of_the_manifest_is_answered_and_the_other_way_round() -> None:
    assert {c["command"] for c in MANIFEST["features"]["slash_commands"]} == set(commands.COMMANDS)


def test_the_manifest_keeps_slacks_limits() -> None:
    assert len(MANIFEST["display_information"]["name"]) <= 35
    assert len(MANIFEST["display_information"]["description"]) <= 140
    assert all(len(c["command"]) <= 32 and c["command"].startswith("/") for c in MANIFEST["features"]["slash_commands"])


def test_the_manifest_is_for_socket_mode_with_buttons_and_without_token_rotation() -> None:
    settings = MANIFEST["settings"]
    assert settings["socket_mode_enabled"] is True
    assert settings["interactivity"] == {"is_enabled": True}
    assert settings["token_rotation_enabled"] is False
    assert MANIFEST["features"]["app_home"]["messages_tab_enabled"] is True
    assert "url" not in str(MANIFEST)


def test_every_button_of_a_message_is_listened_to() -> None:
    source = (ROOT / "bot" / "slack" / "messages.py").read_text(encoding="utf-8")
    buttons = set(re.findall(r'"(open|plan|done|why)": words|"(open)", url', source))
    assert {name for pair in buttons for name in pair if name} == set(actions.BUTTONS)
    source = (ROOT / "bot" / "slack" / "digests.py").read_text(encoding="utf-8")
    buttons_of_admins = {getattr(digests, name) for name in re.findall(r"action_id=([A-Z_]+)", source)}
    assert buttons_of_admins == set(actions.ADMIN_BUTTONS)


def test_the_procfile_starts_the_worker_as_a_platform_does_without_a_script() -> None:
    assert (ROOT / "Procfile").read_text(encoding="utf-8") == "worker: python -m bot run\n"


# ── requirements, package ──


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_with_hashes_and_name_no_index(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,]+\])?==", text, re.MULTILINE)
    assert len(pins) > 20
    assert len(re.findall(r"^[^\s#].*$", text, re.MULTILINE)) == len(pins)
    assert text.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"https?://|--(?:extra-)?index-url|--find-links", text)


def test_every_dependency_is_pinned() -> None:
    pinned = set(re.findall(r"^([\w.-]+?)(?:\[[\w,]+\])?==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    wanted = {re.split(r"[<>=\[]", dependency)[0] for dependency in PYPROJECT["project"]["dependencies"]}
    assert wanted <= pinned


def test_the_script_the_python_and_the_version_are_what_is_promised() -> None:
    assert PYPROJECT["project"]["scripts"] == {"deadline-bot": "bot.cli:main"}
    assert PYPROJECT["project"]["requires-python"] == ">=3.11"
    assert (ROOT / ".python-version").read_text() == "3.13\n"
    assert re.fullmatch(r"\d+\.\d+\.\d+", bot.__version__)
