"""Rules: whether a lead may be dialed now, why not, and what is next."""
