"""A first look without an account: a local eloomi, a local Slack, a small company, and a page that shows the DMs.

The two stand-ins speak the real protocols on loopback and are what the project's tests run against. `serve.py` joins
them with the real program, started as a child; nothing here decides, renders or sends a reminder.
"""
