"""One `remind` as a process against the local servers, and what a bare script needs for the same requests and posts."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import aiohttp

from bot.demo.eloomi import LocalEloomi
from bot.demo.slack import LocalSlack

PEOPLE, EACH, COURSES = 1000, 10, 50
NOW = datetime(2027, 3, 10, 11, tzinfo=UTC)
POLICY = "[pace]\nposts_per_second = 0\n[freeze]\nfirst_pass_people = 0\nbusy_pass_people = 0\n"


def _fill(eloomi: LocalEloomi, slack: LocalSlack) -> None:
    for n in range(COURSES):
        eloomi.add_course(100 + n, f"Course {n}")
    for person in range(1, PEOPLE + 1):
        email = f"p{person}@example.com"
        eloomi.add_user(person, email=email, first_name=f"P{person}")
        slack.add_user(f"U{person:06d}", email=email, name=f"P{person}", tz="Europe/Copenhagen")
        for n in range(EACH):
            days = 2 if n == 0 else 40 + n
            deadline = (NOW + timedelta(days=days)).date().isoformat()
            eloomi.assign(person, 100 + (person + n) % COURSES, deadline)


async def _ours(env: dict[str, str], folder: str) -> tuple[float, float, dict[str, object]]:
    """Seconds, peak of memory in MiB, and what the pass said."""
    begun = perf_counter()
    command = (sys.executable, "-m", "bot", "remind", "--json", "--now", NOW.isoformat())
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=env, stdout=asyncio.subprocess.PIPE)
    watching = asyncio.create_task(_peak_mib(process.pid))
    out, _ = await process.communicate()
    return perf_counter() - begun, await watching, json.loads(out)


async def _peak_mib(pid: int) -> float:
    """The process's own high-water mark, read while it lives: what is reported afterwards is its parent's too."""
    peak = 0.0
    while True:
        found = re.search(r"VmHWM:\s+(\d+) kB", _status(pid))
        if found is None:
            return peak
        peak = int(found[1]) / 1024
        await asyncio.sleep(0.02)


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""


async def _bare(eloomi: LocalEloomi, slack: LocalSlack) -> float:
    """The same listings and posts, nothing parsed, decided or stored."""
    begun = perf_counter()
    async with aiohttp.ClientSession() as http:
        form = {"grant_type": "client_credentials", "scope": "*"}
        login = {**form, "client_id": eloomi.client_id, "client_secret": eloomi.client_secret}
        async with http.post(f"{eloomi.url}/oauth/token", data=login) as answer:
            token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}", "ClientId": eloomi.client_id}
        for course in range(COURSES):
            url = f"{eloomi.url}/v3/courses/{100 + course}/participants?per_page=1000&page=1&extended_mode=1"
            async with http.get(url, headers=headers) as answer:
                await answer.json()
        bearer = {"Authorization": f"Bearer {slack.bot_token}"}
        for person in range(1, PEOPLE + 1):
            message = {"channel": f"U{person:06d}", "text": "due"}
            async with http.post(f"{slack.url}chat.postMessage", data=message, headers=bearer) as answer:
                await answer.json()
    return perf_counter() - begun


async def _measure() -> None:
    async with LocalEloomi() as eloomi, LocalSlack(now=lambda: NOW) as slack:
        slack.per_channel_limit = False
        _fill(eloomi, slack)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "policy.toml").write_text(POLICY)
            env = {
                **os.environ,
                "PYTHONPATH": str(Path.cwd()),
                "SLACK_BOT_TOKEN": slack.bot_token,
                "SLACK_API_URL": slack.url,
                "ELOOMI_CLIENT_ID": eloomi.client_id,
                "ELOOMI_CLIENT_SECRET": eloomi.client_secret,
                "ELOOMI_API_URL": eloomi.url,
                "ELOOMI_COURSE_URL": "https://acme.example/course/{course_id}",
                "DATABASE_URL": f"sqlite:///{folder}/bot.db",
            }
            first, peak, said = await _ours(env, folder)
            again, _, _ = await _ours(env, folder)
        bare = await _bare(eloomi, slack)
    print(f"{PEOPLE} people x {EACH} assignments: {said['notices']}")
    print(f"first pass {first:.2f} s, the next one {again:.2f} s, peak {peak:.0f} MiB")
    print(f"a bare script's requests and posts {bare:.2f} s: the first pass is {first / bare:.1f} x")


def main() -> None:
    """Seconds of a first and a second pass, their peak of memory, and the ratio to the bare requests."""
    asyncio.run(_measure())
