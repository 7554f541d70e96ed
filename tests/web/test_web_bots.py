"""Which user agents are programs: a list of crawlers, and browsers, phones, televisions and apps of people."""

from __future__ import annotations

import pytest
from web_requests import a_request

from tiktok_events.web._request import request_kind

MAC, WIN, X11 = "Macintosh; Intel Mac OS X 10_15_7", "Windows NT 10.0; Win64; x64", "X11; Linux x86_64"
WEBKIT, GECKO = "AppleWebKit/537.36 (KHTML, like Gecko)", "Gecko/20100101"
IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {IOS}"
IPAD = f"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) {IOS}"


def android(model: str, version: str = "14", *, webview: bool = False) -> str:
    """The beginning of an agent of Android."""
    kind = f"{model} Build/UP1A.231005.007; wv" if webview else model
    extra = "Version/4.0 " if webview else ""
    return f"Mozilla/5.0 (Linux; Android {version}; {kind}) {WEBKIT} {extra}Chrome/141.0.0.0 Mobile Safari/537.36"


DESKTOPS = [
    f"Mozilla/5.0 ({WIN}) {WEBKIT} Chrome/141.0.0.0 Safari/537.36",
    f"Mozilla/5.0 ({MAC}) {WEBKIT} Chrome/141.0.0.0 Safari/537.36",
    f"Mozilla/5.0 ({X11}) {WEBKIT} Chrome/141.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/141.0.0.0 Safari/537.36",
    f"Mozilla/5.0 ({WIN}) {WEBKIT} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
    f"Mozilla/5.0 ({WIN}) {WEBKIT} Chrome/141.0.0.0 Safari/537.36 OPR/120.0.0.0",
    f"Mozilla/5.0 ({WIN}) {WEBKIT} Chrome/141.0.0.0 Safari/537.36 Vivaldi/7.1",
    f"Mozilla/5.0 ({WIN}) {WEBKIT} Chrome/138.0.0.0 YaBrowser/25.8.0.0 Safari/537.36",
    f"Mozilla/5.0 ({MAC}) {IOS} Version/18.5 Safari/605.1.15",
    f"Mozilla/5.0 ({WIN}; rv:143.0) {GECKO} Firefox/143.0",
    f"Mozilla/5.0 ({X11}; rv:143.0) {GECKO} Firefox/143.0",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)",
    "Mozilla/5.0 (compatible; Konqueror/4.14; Linux) KHTML/4.14.2 (like Gecko)",
    "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
    f"Mozilla/5.0 ({WIN}) {WEBKIT} Chrome/141.0.0.0 Safari/537.36 Ddg/17.4",
]
PHONES = [
    *map(
        android,
        ("Pixel 9", "SM-S938B", "SM-A546E", "2201117TG", "M2101K6G", "CPH2557", "RMX3830", "V2314", "moto g(60)"),
    ),
    *map(android, ("Nokia G42 5G", "XQ-DC72", "HD1903", "A142", "TECNO KL4", "Infinix X6739", "itel P661N", "BLU G91")),
    *map(
        android,
        ("CUBOT X50", "CUBOT_NOTE_S", "CUBOT", "Fairphone 5", "K", "DUB-LX1", "ELE-L29", "LG-M700", "ZTE A2122H"),
    ),
    android("K", "10"),
    f"{IPHONE} Version/18.5 Mobile/15E148 Safari/604.1",
    f"{IPAD} Version/17.7 Mobile/15E148 Safari/604.1",
    f"{IPHONE} CriOS/141.0.7390.41 Mobile/15E148 Safari/604.1",
    f"{IPHONE} FxiOS/143.0 Mobile/15E148 Safari/605.1.15",
    f"{IPHONE} EdgiOS/141.0 Version/18.0 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Android 14; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0",
    f"Mozilla/5.0 (Linux; Android 14; SM-S918B) {WEBKIT} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; U; Android 13; en-US; RMX3085) {WEBKIT} Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.7 Mobile Safari/537.36",
    "UCWEB/2.0 (MIDP-2.0; U; Adr 9; id; CPH1933) U2/1.0.0 UCBrowser/12.13 U2/1.0.0 Mobile",
    "Opera/9.80 (Android; Opera Mini/36.2.2254/191.256; U; en) Presto/2.12.423 Version/12.16",
    f"Mozilla/5.0 (Linux; U; Android 14; zh-cn; 23127PN0CC) {WEBKIT} Version/4.0 Chrome/109.0 XiaoMi/MiuiBrowser/18.5 Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 12; HarmonyOS; ELS-AN00) {WEBKIT} Chrome/114.0.5735.196 HuaweiBrowser/15.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Mobile; Nokia_2720_Flip; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5.2.2",
    "BlackBerry9700/5.0.0.862 Profile/MIDP-2.1 Configuration/CLDC-1.1 VendorID/331",
    "SAMSUNG-GT-S5620/S5620XEJE5 SHP/VPP/R5 Dolfin/2.0 NexPlayer/3.0 SMM-MMS/1.2.0 profile/MIDP-2.1",
    "Nokia311/5.0 (03.81) Profile/MIDP-2.1 Configuration/CLDC-1.1",
]
IN_APP = [
    f"{IPHONE} Mobile/22F76 musical_ly_38.1.0 JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/en Region/US BytedanceWebview/d8a21c6",
    f"{android('SM-S911B', webview=True)} trill_380104 JsSdk/1.0 NetType/WIFI Channel/googleplay AppName/trill ByteLocale/de Region/DE BytedanceWebview/d8a21c6",
    f"{android('Pixel 8', webview=True)} musical_ly_2023708040 AppName/musical_ly app_version/37.8.4",
    "com.zhiliaoapp.musically/2022803040 (Linux; U; Android 12; en_US; SM-G998U; Build/SP1A.210812.016;tt-ok/3.12.13.1)",
    "com.ss.android.ugc.trill/380104 (Linux; U; Android 13; de_DE; Pixel 7; Build/TQ3A.230901.001; Cronet/TTNetVersion)",
    f"{IPHONE} Mobile/22F76 Instagram 390.0.0.28.85 (iPhone16,2; iOS 18_5; de_DE; de; scale=3.00; 1290x2796; IABMV/1)",
    f"{android('SM-A556B', webview=True)} Instagram 390.0.0.43.81 Android (34/14; 450dpi; 1080x2207; samsung; SM-A556B)",
    f"{IPHONE} Mobile/22F76 [FBAN/FBIOS;FBAV/520.0.0.38.101;FBBV/752234325;FBDV/iPhone15,3;FBMD/iPhone;FBSN/iOS]",
    f"{android('SM-G990B', webview=True)} [FB_IAB/FB4A;FBAV/520.0.0.44.99;IABMV/1;]",
    f"{IPHONE} Mobile/15E148 Snapchat/13.40.1.41 (like Safari/8620.1.16.10.11, panda)",
    f"{IPHONE} Mobile/15E148 [Pinterest/iOS]",
    f"{IPHONE} Mobile/22F76 LinkedInApp/9.31.2",
    f"{IPHONE} Mobile/15E148 Twitter for iPhone/11.10",
    f"{IPHONE} Mobile/15E148 Safari Line/15.10.0",
    f"{android('V2029', webview=True)} Line/15.10.1/IAB",
    f"{IPHONE} Mobile/22F76 MicroMessenger/8.0.60(0x18003c2c) NetType/WIFI Language/zh_CN",
    f"{IPHONE} Mobile/22F76 KAKAOTALK 25.5.1",
    f"{IPHONE} Mobile/22F76 NAVER(inapp; search; 2000; 12.12.3; 15PRO)",
    f"{IPHONE} GSA/377.0.776 Mobile/15E148 Safari/604.1",
    f"{IPHONE} Version/18.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
    f"{IPHONE} Mobile/15E148 Flipboard/4.3.30",
    f"{IPHONE} Mobile/22F76 baiduboxapp/15.10.0.10 (Baidu; P2 18.5)",
    f"{android('CPH2409', webview=True)} GrabApp/5.350",
    f"{IPHONE} Mobile/22F76 Reddit/Version 2025.20/Build 615000/iOS Version 18.5",
    f"{IPHONE} Mobile/15E148 Viber/24.8 Telegram-iOS/11.9",
    f"{android('22101316G', webview=True)} Shopee/3.40 Lazada/7.70 language=id",
]
SCREENS = [
    f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 8.0) {WEBKIT} Version/8.0 TV Safari/537.36",
    f"Mozilla/5.0 (Web0S; Linux/SmartTV) {WEBKIT} Chrome/108.0.5359.211 Safari/537.36 WebAppManager",
    f"Mozilla/5.0 (Linux; Android 11; BRAVIA 4K UR3) {WEBKIT} Chrome/120.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 9; AFTKA) {WEBKIT} Silk/112.5 like Chrome/112.0 Safari/537.36",
    f"Mozilla/5.0 (PlayStation; PlayStation 5/9.00) {IOS} Version/15.4 Safari/605.1.15",
    "Mozilla/5.0 (Nintendo Switch; WebApplet) AppleWebKit/609.4 (KHTML, like Gecko) NF/6.0.3.24 NintendoBrowser/5.1.0.32",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) {WEBKIT} Chrome/120.0.0.0 Safari/537.36 Edge/44.18363.8131",
    "HbbTV/1.6.1 (+DRM;Samsung;SmartTV2023:UE55;T-KSU2FAKUC;;) Tizen/7.0",
    f"Mozilla/5.0 (X11; Linux armv7l) {WEBKIT} Chrome/110.0 Safari/537.36 CrKey/1.56.500000",
    f"Mozilla/5.0 (Linux; Android 13; Quest 3) {WEBKIT} OculusBrowser/38.0 SamsungBrowser/4.0 Chrome/132.0 VR Safari/537.36",
    f"Mozilla/5.0 (X11; GNU/Linux) {WEBKIT} Chromium/79.0.3945.130 Chrome/79.0.3945.130 Safari/537.36 Tesla/2025.20.6",
]
PEOPLE = [*DESKTOPS, *PHONES, *IN_APP, *SCREENS]

BOTS = [
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Claude-User/1.0; +Claude-User@anthropic.com)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; MistralAI-User/1.0; +https://docs.mistral.ai/robots)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
    "GoogleOther",
    f"{android('Nexus 5X Build/MMB29P', '6.0.1')} (compatible; GoogleOther)",
    f"{android('Nexus 5X Build/MMB29P', '6.0.1')} (compatible; Google-InspectionTool/1.0;)",
    "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)",
    "Mozilla/5.0 (compatible; heritrix/3.4.0 +https://archive.example.com/)",
    "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 10 subscribers)",
    "FreshRSS/1.24 (Linux; https://freshrss.org)",
    "Mozilla/5.0 (compatible; Miniflux/2.1; +https://miniflux.app)",
    f"Mozilla/5.0 ({X11}) {WEBKIT} HeadlessChrome/141.0.0.0 Safari/537.36",
    f"Mozilla/5.0 ({MAC}) {WEBKIT} Chrome/141.0.0.0 Safari/537.36 Chrome-Lighthouse",
    f"Mozilla/5.0 ({X11}) {WEBKIT} Chrome/138.0 Safari/537.36 DatadogSynthetics",
    "curl/8.5.0",
    "Wget/1.21.4",
    "python-requests/2.32.3",
    "Python-urllib/3.12",
    "Go-http-client/2.0",
    "Java/21.0.2",
    "okhttp/4.12.0",
    "MyShop/5 CFNetwork/1568.200.51 Darwin/24.1.0",
    "axios/1.7.2",
    "node",
    "Apache-HttpClient/4.5.14 (Java/17.0.8)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "meta-externalagent/1.1",
    "WhatsApp/2.24.20.89 A",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)",
    "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
]


def test_the_table_is_large() -> None:
    """At least 80 agents of people."""
    assert len(set(PEOPLE)) >= 80


@pytest.mark.parametrize("agent", PEOPLE)
def test_people_are_no_bots(agent: str) -> None:
    """No in-app browser and no phone is lost."""
    assert not request_kind.is_bot(a_request(user_agent=agent))


@pytest.mark.parametrize("agent", BOTS)
def test_programs_are_bots(agent: str) -> None:
    """Assistants that fetch a page for somebody, previews, archives, feed readers, monitors and libraries."""
    assert request_kind.is_bot(a_request(user_agent=agent))


def test_the_list_of_crawlers_is_found() -> None:
    """At least 95 % of the agents of the list that others maintain."""
    crawlers = pytest.importorskip("crawleruseragents").CRAWLER_USER_AGENTS_DATA
    agents = {agent for crawler in crawlers for agent in crawler.get("instances", ()) if agent.isascii()}
    missed = [agent for agent in agents if not request_kind.is_bot(a_request(user_agent=agent))]

    assert len(agents) > 1_500
    assert len(missed) / len(agents) <= 0.05, missed
