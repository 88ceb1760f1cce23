"""Campaigns of faults: what goes wrong is drawn by chance, and afterwards every reminder is counted.

    python -m tests.faults --schedules 100000 --seed 1      schedules of faults in virtual time, on all cores
    python -m tests.faults --replay 1:1234                  the story of one of them
    python -m tests.faults.kill                             the real process, killed (kill.py)

The schedules run the real program on a real store, and the same seed is the same schedule: loop.py is the virtual time,
world.py the surroundings (Slack on a wire, an LMS, a clock), process.py one copy of the bot under a watch that can end
it anywhere, simulation.py one schedule and its verdict.
"""
