"""ON THE CLOCK: straight-line scripts that join the four parts; remind.py is the line of data, read downwards."""
