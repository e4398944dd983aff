"""Legal profiles: what the law, or the floor itself, allows a campaign."""
