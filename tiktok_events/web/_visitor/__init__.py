"""What is known of a visitor: consent, cookies, context, and snapshots of them."""
