"""SPEAKS Slack: the Web API's calls and what their answers mean, who is who, and every text a person reads.

slack_sdk stays in here and in app.py. It stores nothing, decides nothing, and never says a thing twice by itself.
"""
