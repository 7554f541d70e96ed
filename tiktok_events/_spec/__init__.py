"""What TikTok says, as data: names, currencies, fields, answer codes. No code that decides anything.

Every table names where its facts come from. The marks are those of the reference in `docs/reference/facts.md`:
O official text or code, O2 an official page as reported by a third party, A several independent
implementations agree, 1 a single source, X sources disagree, U unverified.
"""
