"""One request's tracker: the site's settings, the visitor's state, the steps of `track`, and the template variable."""
