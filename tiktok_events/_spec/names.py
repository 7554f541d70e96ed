"""Event names: standard, reserved and deprecated ones, and the form of a custom name."""

import re

STANDARD_NAMES = frozenset({
    "AddPaymentInfo",
    "AddToCart",
    "AddToWishlist",
    "ApplicationApproval",
    "CompleteRegistration",
    "Contact",
    "CustomizeProduct",
    "Download",
    "FindLocation",
    "InitiateCheckout",
    "Lead",
    "Purchase",
    "Schedule",
    "Search",
    "StartTrial",
    "SubmitApplication",
    "Subscribe",
    "ViewContent",
})
"""The 18 standard names of web, offline and crm. O: help centre, "Supported standard events" (Sep 2025)."""

APP_NAMES = frozenset({
    "AchieveLevel",
    "AddPaymentInfo",
    "AddToCart",
    "AddToWishlist",
    "Checkout",
    "CompleteTutorial",
    "CreateGroup",
    "CreateRole",
    "GenerateLead",
    "InAppADClick",
    "InAppADImpr",
    "InstallApp",
    "JoinGroup",
    "LaunchAPP",
    "LoanApplication",
    "LoanApproval",
    "LoanDisbursal",
    "Login",
    "Purchase",
    "Rate",
    "Registration",
    "Search",
    "SpendCredits",
    "StartTrial",
    "Subscribe",
    "UnlockAchievement",
    "ViewContent",
})
"""The 27 standard names of app events, with TikTok's own capitals. O2/A: three independent lists agree."""

PAGE_VIEW_NAMES = frozenset({"Pageview", "PageView"})
"""The pixel's page view. TikTok's own code spells it `Pageview`, its help centre `PageView`. X."""

DEPRECATED_NAMES = {
    "CompletePayment": "Purchase",
    "SubmitForm": "Lead",
    "PlaceAnOrder": "Purchase",
    "ClickButton": "",
}
"""Old names that still work, and the current one ("" where there is none). O: help centre (May 2025).

`PlaceAnOrder` has no official successor. `Purchase` replaces it where a shop reports each order once.
"""

SUNSET_NAMES = frozenset({"PlaceAnOrder", "ClickButton"})
"""Old names that TikTok supports until 2027 only. For the others TikTok names no end date. O: help centre (May 2025)."""

RESERVED_NAMES = {
    "AddBilling": "AddPaymentInfo",
    "Browse": "PageView",
    "Checkout": "PlaceAnOrder",
    "ClickForm": "Lead",
    "ClickInDownloadPage": "ClickButton",
    "ClickToDownload": "Download",
    "CompletePayment": "Purchase",
    "Consult": "Contact",
    "ConsultByPhone": "Contact",
    "Registration": "CompleteRegistration",
    "StartCheckout": "InitiateCheckout",
    "ViewConsultationPage": "ViewContent",
    "ViewDownloadPage": "ViewContent",
    "ViewForm": "ViewContent",
}
"""Names that TikTok maps to other names. O: help centre, "Reserved events" (May 2025)."""

CUSTOM_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,49}")
"""Custom names: 50 characters, letters, digits, `_` and `-`, a letter first. O: help centre, "Custom events" (Feb 2026).

Whether the API enforces this form is unverified.
"""

VALUE_NAMES = frozenset({"Purchase", "CompletePayment", "PlaceAnOrder"})
"""Events whose `value` and `currency` revenue reports and value-based bidding need. O."""

VALUE_ADVISED_NAMES = VALUE_NAMES | {"InitiateCheckout", "StartTrial"}
"""Events for which `value` and `currency` are recommended. O: help centre, "Supported standard events" (Sep 2025)."""

CONTENT_NAMES = VALUE_ADVISED_NAMES | {"AddToCart", "ViewContent"}
"""Events for which `contents` (or `content_ids`) are recommended. O: help centre; `InitiateCheckout` by TikTok's
diagnostic "Content ID is missing" (A)."""

SEVERAL_CONTENTS_NAMES = frozenset({"AddToCart", "ViewContent"})
"""Events for which TikTok's diagnostics expect a `value` if they have several `contents`. A."""
