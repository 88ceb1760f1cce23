"""COMPUTES which reminder goes to whom, and when. Pure: the standard library, no clock, no await, no I/O."""
