"""How fast it is: each benchmark prints figures and ratios of one run; nothing is asserted. `make bench` runs them."""
