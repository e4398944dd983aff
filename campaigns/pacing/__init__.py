"""How a campaign is paced: its share of the floor, its limits, its ledger, and why it dials so."""
