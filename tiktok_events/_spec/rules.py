"""The rule table: one line for each rule about events and request bodies.

`check` and the local Events Manager apply it, `lint` prints it, and `docs/reference/rules.md` is generated from it.
"""

from tiktok_events._spec.problem import Problem, Refused, Rule, Severity

_ENDPOINT = "endpoint page"
_PARAMETERS = "Parameters page"
_HELP = "help centre"
_SENDERS = "other integrations"
_OURS = "tiktok-events"


def _rows() -> list[Rule]:
    return [*_identifiers(), *_events(), *_objects(), *_bodies()]


def _identifiers() -> list[Rule]:
    return [
        Rule("email-malformed", "error", "field", "is not an e-mail address", "Send the address as the person gave it, name@host.", _ENDPOINT, "O"),
        Rule("email-several", "error", "field", "contains more than one e-mail address", "Pass several addresses as a list.", _OURS, "-"),
        Rule("other-hash", "error", "field", "looks like an MD5 or SHA-1 digest; TikTok matches SHA-256 only", "Pass the raw value, or its SHA-256 in hex.", _ENDPOINT, "O"),
        Rule("external-id-other-hash", "warning", "nothing", "looks like an MD5 or SHA-1 digest and is hashed again", "Pass the id itself, unless the pixel is given the same digest.", _OURS, "-"),
        Rule("phone-country-code", "error", "field", "has no country code", "Start it with + and the country code, or give phone_region, the visitor's two-letter country.", _ENDPOINT, "O"),
        Rule("phone-malformed", "error", "field", "is not a phone number in E.164 form", "Use + and 7 to 15 digits: country code first, no trunk zero, no extension, no letters.", _ENDPOINT, "O"),
        Rule("phone-region-unknown", "error", "field", "cannot be read: phone_region {detail} is not a country code", "Give phone_region as an ISO 3166-1 code of two letters, such as GB.", _OURS, "-"),
        Rule("phone-trunk-zero", "warning", "nothing", "has a zero after its country code, which no number of that country has", "Leave the zero out, or run pip install 'tiktok-events[phone]', which removes it.", _OURS, "-"),
        Rule("phone-package", "error", "field", "is in national form, which needs the extra phone", "Run pip install 'tiktok-events[phone]', or pass the number with + and its country code.", _OURS, "-"),
        Rule("hash-of-nothing", "error", "field", "is the SHA-256 of an empty string", "Leave the field out when there is nothing to hash.", _SENDERS, "A"),
        Rule("placeholder", "warning", "field", "is a placeholder such as 0, null or none, so all such visitors would count as one person", "Leave the field out for guests.", _SENDERS, "A"),
        Rule("nothing-left", "warning", "field", "is empty after normalising", "Leave the field out when it is unknown.", _OURS, "-"),
        Rule("not-unicode", "error", "field", "contains text that is not valid Unicode", "Decode the bytes with their real encoding before passing the text on.", _OURS, "-"),
        Rule("too-long", "error", "field", "is longer than the {detail} characters that such a value can have", "Pass the value alone, without other text.", _PARAMETERS, "-"),
        Rule("not-hashed", "error", "field", "is not a SHA-256 digest", "Send 64 lower-case hex digits of the normalised value.", _ENDPOINT, "O"),
        Rule("address-hashed", "error", "field", "is hashed, but TikTok expects plain text", "Pass the plain value.", _PARAMETERS, "O2"),
        Rule("country-malformed", "error", "field", "is not a country code of ISO 3166-1", "Use two letters, such as us or de.", _PARAMETERS, "O2"),
        Rule("ip-malformed", "error", "field", "is not an IP address", "Pass only the visitor's IPv4 or IPv6 address.", _ENDPOINT, "O"),
        Rule("ip-not-public", "warning", "nothing", "is not a public address, so TikTok cannot match a person by it", "Pass the visitor's own address, not a proxy's or the server's.", _ENDPOINT, "O"),
        Rule("proxy-not-trusted", "warning", "nothing", "is unknown: {detail} comes from a proxy that the site does not trust", "Set Site(trusted_proxies=[\"private\"]), or the addresses of the proxy.", _OURS, "-"),
        Rule("client-address-contradicted", "warning", "nothing", "is not the address in {detail}, so it is probably that of a proxy or CDN", "Add the CDN to trusted_proxies, or set Site(client_ip_header=\"{detail}\").", _OURS, "-"),
        Rule("user-agent-not-browser", "warning", "nothing", "is the user agent of a program, not of a browser", "Pass the User-Agent header of the visitor's request.", _SENDERS, "A"),
        Rule("ttclid-truncated", "warning", "nothing", "has exactly the length of a short database column, so it was probably truncated", "Widen the column to 1,000 characters and never truncate a click id.", _SENDERS, "1"),
        Rule("ttclid-long", "warning", "nothing", "is longer than the 1,000 characters TikTok mentions", "Check that it is one click id.", _PARAMETERS, "O2"),
        Rule("ttclid-cookie", "warning", "nothing", "ends with the timestamp of the pixel's cookie", "Remove the last dot and the 13 digits after it.", _SENDERS, "A"),
        Rule("click-id-placeholder", "warning", "field", "is a placeholder such as __CLICKID__, undefined or null, not an id", "Check the link of the ad and the template that fills it.", _OURS, "-"),
        Rule("locale-malformed", "warning", "field", "is not a BCP 47 language tag", "Use language-COUNTRY, such as en-US.", _ENDPOINT, "O"),
        Rule("att-status", "error", "field", "is not one of TikTok's App Tracking Transparency values", "Use AUTHORIZED, DENIED, NOT_DETERMINED, RESTRICTED or NOT_APPLICABLE.", _ENDPOINT, "O"),
        Rule("device-id-case", "warning", "nothing", "is in the wrong case: a raw idfa is upper case, a raw gaid lower case", "Change the case before sending or hashing.", _ENDPOINT, "O"),
        Rule("no-identifier", "warning", "nothing", "has no identifier by which TikTok could match a person", "Send ttclid, ttp, ip with user_agent, or a hashed email, phone or external_id.", _ENDPOINT, "O"),
        Rule("offline-identifier", "warning", "nothing", "has neither email nor phone, which offline matching needs", "Send a hashed email or phone.", _HELP, "A"),
    ]  # fmt: skip


def _events() -> list[Rule]:
    return [
        Rule("event-missing", "error", "event", "is missing: every event needs a name", "Use a standard name such as Purchase.", _ENDPOINT, "O"),
        Rule("name-offline", "error", "event", "is a custom name; offline event sets take standard names only", "Use one of the 18 standard names.", _ENDPOINT, "O"),
        Rule("name-deprecated", "warning", "nothing", "is an old name{detail}; it still works", "Use the current name on the pixel and the server together: the name is part of deduplication.", _HELP, "O"),
        Rule("name-sunset", "warning", "nothing", "is an old name{detail}, which TikTok supports until 2027", "Use the current name on the pixel and the server together: the name is part of deduplication.", _HELP, "O"),
        Rule("name-reserved", "warning", "nothing", "is a reserved name: TikTok changes it to {detail}", "Use that name on both channels.", _HELP, "O"),
        Rule("name-case", "warning", "nothing", "differs from the standard name {detail} only in upper and lower case, so TikTok counts it as a custom event", "Spell it {detail}.", _HELP, "A"),
        Rule("name-custom", "warning", "nothing", "is not a valid custom name", "Start with a letter, and use at most 50 letters, digits, _ and -.", _HELP, "O"),
        Rule("event-time-missing", "error", "event", "is missing", "Give the time the conversion happened, in Unix seconds or as an aware datetime.", _ENDPOINT, "O"),
        Rule("event-time-unit", "error", "event", "is in milliseconds or out of range", "Divide by 1,000: TikTok takes whole Unix seconds.", _ENDPOINT, "O"),
        Rule("event-time-range", "error", "event", "is not a time after 1970", "Give Unix seconds in UTC.", _ENDPOINT, "O"),
        Rule("event-time-naive", "warning", "nothing", "has no time zone, so the time zone of the site is used", "Pass an aware datetime, or set Site(time_zone=...) to the zone of your database.", _OURS, "-"),
        Rule("event-time-future", "warning", "nothing", "is more than 5 minutes in the future", "Check the clock and the time zone.", _OURS, "U"),
        Rule("event-time-late", "warning", "nothing", "is {detail} ago; after 48 hours a copy from the pixel is counted as a second event", "Send web events when they happen.", _HELP, "O"),
        Rule("event-time-offline", "warning", "nothing", "is {detail} ago; TikTok accepts offline events for 28 days", "Upload offline conversions within 28 days.", _HELP, "O2"),
        Rule("event-id-missing", "warning", "nothing", "is missing, so the copy from the other channel is counted as a second event", "Send the same event_id on both channels.", _ENDPOINT, "O"),
        Rule("event-id-app", "warning", "nothing", "is not documented for app events", "Leave it out unless a test shows that it works.", _ENDPOINT, "X"),
        Rule("ldu-without-ip", "warning", "nothing", "needs the visitor's public IP address to take effect", "Send user.ip with limited_data_use.", _HELP, "O2"),
        Rule("not-a-visitor", "warning", "nothing", "was tracked in a request that no browser sent, so it has no IP address, user agent and page", "In a webhook, track with site.resume(order.snapshot), which restores the visitor's data.", _OURS, "-"),
    ]  # fmt: skip


def _objects() -> list[Rule]:
    return [
        Rule("wrong-type", "error", "event", "must be {detail}", "Send it as {detail}.", _ENDPOINT, "O"),
        Rule("empty-value", "warning", "field", "is empty", "Leave the key out when there is no value.", _SENDERS, "A"),
        Rule("unknown-field", "warning", "nothing", "is not a field of the Events API; TikTok answers OK and ignores it{detail}", "Check the spelling, or pass it through extra on purpose.", _SENDERS, "A"),
        Rule("legacy-field", "error", "event", "belongs to the pixel or to Events API 1.0 and is ignored", "{detail}.", _ENDPOINT, "O"),
        Rule("discouraged-field", "warning", "nothing", "is a field of Events API 1.0 only", "{detail}.", _SENDERS, "X"),
        Rule("field-source", "warning", "nothing", "is not documented for {detail} events", "Leave it out for this event source.", _ENDPOINT, "O"),
        Rule("ad-source", "error", "event", "is for web and app events only", "Leave ad out for offline and crm.", _ENDPOINT, "O"),
        Rule("page-url-missing", "warning", "nothing", "is missing, but web events need it", "Send the full address of the page, query included.", _ENDPOINT, "X"),
        Rule("page-url-malformed", "error", "field", "is not a full http or https address", "Send location.href: scheme, host, path and query.", _ENDPOINT, "O"),
        Rule("referrer-malformed", "warning", "field", "is not a full address", "Send document.referrer as it is, or leave it out.", _ENDPOINT, "O"),
        Rule("url-secret", "warning", "nothing", "contains a secret or an e-mail address in its query", "Leave such parameters out; the classes of tiktok-events remove them.", _OURS, "-"),
        Rule("value-malformed", "error", "event", "is not a number", "Send a plain decimal number: no symbol, no thousands separator, a point for the decimals.", _ENDPOINT, "O"),
        Rule("number-malformed", "error", "field", "is not a number", "Send a plain decimal number.", _ENDPOINT, "O"),
        Rule("integer-malformed", "error", "field", "is not a whole number", "Send digits only.", _ENDPOINT, "O"),
        Rule("integer-negative", "error", "field", "is negative", "Send the number of items, 0 or more.", _OURS, "-"),
        Rule("value-negative", "warning", "nothing", "is negative; TikTok documents no refunds", "Do not send refunds.", _SENDERS, "U"),
        Rule("value-missing", "warning", "nothing", "is missing, so this event adds no revenue to reports and bidding", "Send value and currency.", _ENDPOINT, "O"),
        Rule("currency-missing", "warning", "nothing", "is missing, so value does not reach revenue reports", "Send the ISO 4217 code with value.", _ENDPOINT, "O"),
        Rule("currency-malformed", "error", "field", "is not a three-letter ISO 4217 code", "Send a code such as EUR.", _ENDPOINT, "O"),
        Rule("currency-contradiction", "error", "field", "is not the currency of a money object in the same event", "Give the currency once: in the money object, or as text beside a plain amount.", _OURS, "-"),
        Rule("currency-case", "warning", "nothing", "is not in upper case", "Send it in upper case.", _SENDERS, "A"),
        Rule("currency-unsupported", "warning", "nothing", "is not among the 62 currencies TikTok lists", "Convert to a listed currency; what TikTok does with others is unverified.", _ENDPOINT, "U"),
        Rule("contents-missing", "warning", "nothing", "are missing; catalogue ads need them for this event", "Send contents with content_id, price and quantity, and content_type.", _HELP, "O"),
        Rule("content-id-missing", "warning", "nothing", "is missing", "Send the catalogue's sku_id or item_group_id.", _ENDPOINT, "O"),
        Rule("content-type", "warning", "nothing", "is neither product nor product_group", "Send product for SKU ids, product_group for item group ids.", _ENDPOINT, "O"),
        Rule("content-type-place", "warning", "nothing", "is set only inside contents", "Send content_type beside contents, in properties.", _ENDPOINT, "X"),
        Rule("customer-type", "warning", "nothing", "is neither new nor returning", "Send new or returning.", _ENDPOINT, "O"),
        Rule("search-missing", "warning", "nothing", "is missing", "With a Search event, send the text that the visitor typed.", _HELP, "O"),
        Rule("share-range", "error", "field", "is not between 0 and 1", "Send TikTok's share of the credit, 0 to 1.", _ENDPOINT, "O"),
        Rule("app-id-missing", "error", "event", "is missing, but app events need it", "Send the store id of the app.", _ENDPOINT, "O"),
        Rule("lead-id-missing", "error", "event", "is missing, and there is no email or phone instead", "Send the id of TikTok's lead export.", _ENDPOINT, "O"),
        Rule("lead-id-advised", "warning", "nothing", "is missing; only email or phone can match this lead", "Send the id of TikTok's lead export.", _HELP, "X"),
    ]  # fmt: skip


def _bodies() -> list[Rule]:
    return [
        Rule("not-json", "error", "event", "is not JSON", "Send one JSON object in UTF-8.", _ENDPOINT, "O"),
        Rule("not-an-object", "error", "event", "is not a JSON object", "Send a JSON object: a request body, or one item of its data list.", _ENDPOINT, "O"),
        Rule("event-source", "error", "event", "is not web, app, offline or crm", "Send one of the four, in lower case.", _ENDPOINT, "O"),
        Rule("source-id-missing", "error", "event", "is missing", "Send the pixel code, TikTok app id or event set id.", _ENDPOINT, "O"),
        Rule("source-id-kind", "warning", "nothing", "does not look like the id of this kind of source", "Use a pixel code for web, a TikTok app id for app, and an event set id for offline and crm.", _SENDERS, "1"),
        Rule("no-events", "error", "event", "contains no events", "Send 1 to 1,000 events in data.", _ENDPOINT, "O"),
        Rule("too-many-events", "error", "event", "contains more than 1,000 events, so TikTok refuses the request", "Split the request.", _ENDPOINT, "O"),
        Rule("token-in-body", "error", "event", "contains the access token", "Send it in the Access-Token header only, and replace the token if this body was stored.", _ENDPOINT, "O"),
        Rule("test-code", "warning", "nothing", "is set, so these events go to the Test Events tab", "Leave it out in production.", _PARAMETERS, "O2"),
        Rule("partner-name", "warning", "nothing", "is for TikTok's partners; TikTok may refuse an unknown value", "Leave it out.", _SENDERS, "A"),
        Rule("duplicate-event", "warning", "nothing", "repeats the name and event_id of an earlier event in this body; TikTok drops it", "Give each conversion its own event_id.", _ENDPOINT, "O"),
        Rule("two-names-one-order", "warning", "nothing", "reports an order that another event of this body already reports under another name", "Send one of Purchase, CompletePayment and PlaceAnOrder per order.", _SENDERS, "A"),
    ]  # fmt: skip


RULES: dict[str, Rule] = {rule.id: rule for rule in _rows()}
"""Every rule by its id."""


def problem_of(refused: Refused, field: str) -> Problem:
    """The problem of *field* for the exception *refused*."""
    return problem(refused.rule, field, refused.detail)


def problem(rule: str, field: str, detail: str = "", severity: Severity | None = None) -> Problem:
    """The problem of *field* by the rule with the id *rule*.

    *detail* replaces `{detail}` in its texts and must not contain a value. *severity* overrides that of the rule.
    """
    row = RULES[rule]
    message, fix = row.message.replace("{detail}", detail), row.fix.replace("{detail}", detail)
    return Problem(rule, severity or row.severity, field, message, fix)
