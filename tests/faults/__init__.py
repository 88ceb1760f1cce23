"""Campaigns of faults: what goes wrong is drawn by chance, and afterwards every reminder is counted."""
