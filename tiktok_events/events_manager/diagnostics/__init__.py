"""Findings: what is wrong with the tracking, which events show it, and how to fix it."""
