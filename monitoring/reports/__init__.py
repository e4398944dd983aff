"""Reports: what operators and campaigns did between two moments."""
