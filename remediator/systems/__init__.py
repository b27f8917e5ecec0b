"""The two vendors behind one protocol: what we read and write."""
