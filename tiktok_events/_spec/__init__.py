"""What TikTok documents, as data: fields, event names, currencies, answer codes, and the rule table.

Every table names the source of its facts and marks their confidence, as `docs/reference/facts.md` does: O official text
or code, O2 an official page as reported by a third party, A several independent implementations agree, 1 a single
source, X sources disagree, U unverified.
"""
