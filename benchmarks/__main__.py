"""python -m benchmarks [NAME …]: all of them, or those named."""

from __future__ import annotations

import sys

from benchmarks import cold_start, decisions, outbox, whole_pass

ALL = {"cold_start": cold_start.main, "decisions": decisions.main, "outbox": outbox.main, "whole_pass": whole_pass.main}

for name in sys.argv[1:] or list(ALL):
    print(f"── {name}")
    ALL[name]()
