"""On the clock, the bot *pulls* assignments from the LMS, *computes* which required courses are due or missed,
*stores* what it decided, and *sends* each person one Slack DM; when a person asks, it *answers* from what it stored.

deadlines/ computes and imports the standard library only. lms/ pulls, store/ stores and slack/ speaks Slack: each
knows deadlines/ and its own vendor, never the others. jobs/ joins the four on the clock; answers/ joins them when
somebody asks; preview/ shows what jobs/ foresees. settings.py and workspace.py are known to jobs/, answers/, preview/,
demo/, cli.py and app.py; errors.py to all but deadlines/. app.py builds the real thing; cli.py is thin.
`lint-imports` checks these rules.
"""

__version__ = "0.1.0"
