"""`preview` as it is shown: JSON for scripts, a calendar on the terminal, a page for people who have neither.

What there is to show comes from jobs/preview.py; nothing here decides anything, sends anything or reads a clock.
"""
