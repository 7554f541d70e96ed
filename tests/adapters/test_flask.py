"""Flask only: the extension, its config, the Jinja global, and requests without a middleware."""

import pytest
import servers
from marker_hook import raises
from visitor import AGENT, SECRET, SOURCE, Browser, calls

pytest.importorskip("flask")
pytest.importorskip("tiktok_events_flask")

import flask
from jinja2 import DictLoader
from tiktok_events_flask import TikTokEvents

import tiktok_events as tt
from tiktok_events.web import ConsentCookie, InvalidSnapshot, Site, WSGIMiddleware

CONFIG = {"TIKTOK_PIXEL_CODE": "C0EXAMPLE0EXAMPLE000", "TIKTOK_ACCESS_TOKEN": "zzpii-token"}


@pytest.fixture
def app():
    """An app with a pixel, a token and a secret in its config."""
    flask_app = flask.Flask("shop")
    flask_app.config.update(CONFIG, SECRET_KEY=SECRET)
    return flask_app


def test_all_settings_in_the_config(app):
    """Keys with the prefix are options of `Site` and of the source."""
    rule = ConsentCookie("agreed", granted={"yes"}, denied={"no"})
    app.config.update(
        TIKTOK_TEST_EVENT_CODE="TEST1",
        TIKTOK_ID_NAMESPACE="staging",
        TIKTOK_CONSENT=rule,
        TIKTOK_CURRENCY="EUR",
        TIKTOK_COOKIE_DOMAINS=["shop.example"],
        TIKTOK_TRUSTED_PROXIES=["10.0.0.0/8"],
        TIKTOK_SOMETHING_ELSE=1,
    )
    site = TikTokEvents(app).site

    assert site.source == tt.EventSource.web(
        "C0EXAMPLE0EXAMPLE000", "zzpii-token", test_event_code="TEST1", id_namespace="staging"
    )
    assert (site.consent, site.currency, site.cookie_domains) == (rule, "EUR", ("shop.example",))
    assert [str(network) for network in site.trusted_proxies] == ["10.0.0.0/8"]


def test_config_beats_the_environment_and_an_option_beats_both(app, monkeypatch):
    """An option wins over the config, the config over the environment."""
    monkeypatch.setenv("TIKTOK_PIXEL_CODE", "CENVIRONMENT00000000")
    monkeypatch.setenv("TIKTOK_ID_NAMESPACE", "environment")
    app.config["TIKTOK_CURRENCY"] = "EUR"
    site = TikTokEvents(app, currency="CHF").site

    assert site.source.event_source_id == "C0EXAMPLE0EXAMPLE000"
    assert site.source.id_namespace == "environment"
    assert site.currency == "CHF"


@pytest.mark.parametrize("off", [False, 0, "0", "off"])
def test_it_can_be_turned_off(app, off):
    """With the spellings of the config or of a prefixed environment."""
    app.config["TIKTOK_ENABLED"] = off

    assert TikTokEvents(app).site.enabled is False


def test_without_a_token_the_shop_runs(monkeypatch):
    """The site is off, and the page is unchanged."""
    app = flask.Flask("shop")
    tiktok = TikTokEvents(app)

    @app.get("/")
    def page():
        tiktok.track("Lead")
        return flask.render_template_string("<p>{{ tiktok.pixel() }}</p>")

    assert app.test_client().get("/").text == "<p></p>"


@pytest.mark.parametrize("secret", ["dev", b"\xff\x00 bytes", SECRET])
def test_the_apps_own_secret_signs(app, secret):
    """Any secret that Flask accepts."""
    app.config["SECRET_KEY"] = secret
    tiktok = TikTokEvents(app)
    with app.test_request_context("/", headers={"User-Agent": "Mozilla/5.0 zzpii"}):
        snapshot = tiktok.snapshot()

    assert tiktok.resume(snapshot).context.user_agent == "Mozilla/5.0 zzpii"


def test_an_old_secret_still_verifies(app):
    """`SECRET_KEY_FALLBACKS`, as for the session."""
    with app.test_request_context("/", headers={"User-Agent": "Mozilla/5.0 zzpii"}):
        snapshot = TikTokEvents(app).snapshot()
    rotated = flask.Flask("shop")
    rotated.config.update(CONFIG, SECRET_KEY="another secret, the new one", SECRET_KEY_FALLBACKS=[SECRET])

    assert TikTokEvents(rotated).resume(snapshot).context.user_agent == "Mozilla/5.0 zzpii"


def test_a_secret_of_our_own_is_used_as_it_is(app):
    """So that a worker without Flask reads the snapshots."""
    app.config["TIKTOK_SECRET_KEY"] = "a secret for TikTok alone"
    with app.test_request_context("/", headers={"User-Agent": "Mozilla/5.0 zzpii"}):
        snapshot = TikTokEvents(app).snapshot()
    worker = Site(SOURCE, secret_key="a secret for TikTok alone")

    assert worker.resume(snapshot).context.user_agent == "Mozilla/5.0 zzpii"


def test_it_is_strict_in_debug_mode_and_tests(app):
    """At set-up and later, and for webhooks, too; an option overrides it."""
    testing = flask.Flask("shop")
    testing.config.update(CONFIG, TESTING=True, SECRET_KEY=SECRET)
    tiktok = TikTokEvents(app)

    with app.test_request_context():
        assert tiktok.track("Lead", valu=1).reason == "invalid"
    app.testing = True
    with app.test_request_context(), raises(TypeError):
        tiktok.track("Lead", valu=1)
    with raises(InvalidSnapshot):
        TikTokEvents(testing).resume("zzpii-cut")
    with testing.test_request_context():
        assert TikTokEvents(testing, strict=False).track("Lead", valu=1).reason == "invalid"


def test_a_factorys_extension_serves_several_apps():
    """Each app has its own site."""
    tiktok = TikTokEvents(consent=lambda request: True)
    apps = [flask.Flask(name) for name in ("one", "two")]
    for index, app in enumerate(apps):
        app.config.update(CONFIG, TIKTOK_PIXEL_CODE=f"C0EXAMPLE0EXAMPLE00{index}")
        tiktok.init_app(app)
    codes = []
    for app in apps:
        with app.test_request_context():
            assert flask.current_app.extensions["tiktok_events"] is tiktok
            codes.append(tiktok.site.source.event_source_id)

    assert codes == ["C0EXAMPLE0EXAMPLE000", "C0EXAMPLE0EXAMPLE001"]
    with raises(tt.ConfigurationError, match="init_app"):
        _ = tiktok.site


def test_an_imported_macro_sees_the_variable(make_site):
    """It is a Jinja global: the variable of a context processor would be undefined there."""
    app = flask.Flask("shop")
    app.jinja_loader = DictLoader({
        "head.html": "{% macro head() %}{{ tiktok.pixel() }}{% endmacro %}",
        "page.html": "{% from 'head.html' import head %}{{ head() }}",
    })
    tiktok = TikTokEvents(app, make_site())

    @app.get("/")
    def page():
        tiktok.track("Lead")
        return flask.render_template("page.html")

    browser = Browser(app, is_asgi=False)
    first, second = calls(browser.get("/")), calls(browser.get("/"))
    browser.close()

    assert first[0]["event_id"] != second[0]["event_id"]


def as_talisman(app):
    """As in current Flask-Talisman: an attribute of the request, and a Jinja global that reads it."""

    @app.before_request
    def make():
        flask.request.csp_nonce = "Zm9yIG9uZSBwYWdl"

    app.jinja_env.globals["csp_nonce"] = lambda: getattr(flask.request, "csp_nonce", "")


def as_global(app):
    app.jinja_env.globals["csp_nonce"] = lambda: "Zm9yIG9uZSBwYWdl"


def on_g(app):
    @app.before_request
    def make():
        flask.g.csp_nonce = "Zm9yIG9uZSBwYWdl"


@pytest.mark.parametrize("set_nonce", [as_talisman, as_global, on_g])
def test_the_nonce_is_found_in_its_usual_places(make_site, set_nonce):
    """A page with a nonce is private."""
    app = flask.Flask("shop")
    TikTokEvents(app, make_site())
    set_nonce(app)
    app.get("/")(lambda: flask.render_template_string("{{ tiktok.pixel() }}"))
    response = app.test_client().get("/")

    assert response.text.startswith('<script nonce="Zm9yIG9uZSBwYWdl">')
    assert response.headers["cache-control"] == "private"


def test_an_app_without_nonces_gets_none(make_site):
    """Nor an app with Talisman and no nonce in its policy, where the global returns an empty value."""
    app = flask.Flask("shop")
    tiktok = TikTokEvents(app, make_site())
    app.jinja_env.globals["csp_nonce"] = lambda: ""
    app.get("/")(lambda: flask.render_template_string("{{ tiktok.pixel() }}"))

    assert app.test_client().get("/").text.startswith("<script>")
    assert tiktok.site.strict is None


def test_a_test_context_needs_no_middleware(make_site, sink):
    """Unit tests skip `wsgi_app`; the tracker is made on first use, once."""
    app = flask.Flask("shop")
    tiktok = TikTokEvents(app, make_site())
    with app.test_request_context("/product", headers={"User-Agent": "Mozilla/5.0 zzpii"}):
        tiktok.track("Lead")
        page = flask.render_template_string("{{ tiktok.pixel() }}")
        assert tiktok.tracker is tiktok.tracker

    assert [call["event_id"] for call in calls(page)] == [sink.events[0].event_id]


def test_consent_may_be_in_the_session(make_site, sink):
    """The rule gets Flask's request, when the session is available."""
    app = flask.Flask("shop")
    app.secret_key = SECRET
    tiktok = TikTokEvents(app, make_site(consent=lambda request: flask.session.get("agreed")))

    @app.get("/")
    def page():
        flask.session["agreed"] = True
        tiktok.track("Lead")
        return "ok"

    app.test_client().get("/")

    assert len(sink.events) == 1


def test_close_and_files_stay_intact(make_site):
    """A response's `close` is called once, after its body."""
    app = flask.Flask("shop")
    TikTokEvents(app, make_site())
    seen = []

    @app.get("/")
    def page():
        response = flask.Response(seen.append(piece) or piece for piece in ("a", "b"))
        response.call_on_close(lambda: seen.append("closed"))
        return response

    browser = Browser(app, is_asgi=False)
    assert browser.get("/").text == "ab"
    browser.close()

    assert seen == ["a", "b", "closed"]


def test_the_middleware_wraps_other_middleware(app):
    """As `app.wsgi_app = Other(app.wsgi_app)` does."""
    TikTokEvents(app)

    assert isinstance(app.wsgi_app, WSGIMiddleware)


@pytest.fixture
def shop(app, tmp_path, monkeypatch):
    """A function that adds the extension to the app, with an outbox file set in "config" or "environment"."""

    def add_extension(where, url=f"sqlite:///{tmp_path / 'tiktok.db'}", listener=None):
        settings = {"TIKTOK_OUTBOX_URL": url, "TIKTOK_DELIVER": "0"}
        if listener is not None:
            monkeypatch.setenv("TIKTOK_API_URL", listener.url)
        for name, value in settings.items():
            if where == "config":
                app.config[name] = value
            else:
                monkeypatch.setenv(name, value)
        return TikTokEvents(app, consent=lambda request: True)

    return add_extension


@pytest.mark.parametrize("where", ["config", "environment"])
def test_its_worker_delivers_the_apps_events(app, shop, where):
    """With the app's outbox, pixel and token, wherever they are set; no token is shown."""
    with servers.listening() as listener:
        tiktok = shop(where, listener=listener)
        with app.test_request_context("/", headers={"User-Agent": AGENT}):
            assert tiktok.track("Lead").sent
        arrived_before = list(listener.bodies)
        done = app.test_cli_runner().invoke(args=["tiktok-events", "worker", "--once"])
        tiktok.site.close()

        assert done.exit_code == 0, done.output
        assert arrived_before == []
        assert len(listener.event_ids) == 1
        assert listener.tokens == ["zzpii-token"]
        assert "zzpii" not in done.output


@pytest.mark.parametrize("url", ["memory:", ""])
def test_its_worker_needs_a_shared_outbox(app, shop, url):
    """Without an outbox, or with one in memory, it would never get an event."""
    shop("config", url)
    done = app.test_cli_runner().invoke(args=["tiktok-events", "worker", "--once"])

    assert done.exit_code == 2
    assert "cannot read an outbox in memory" in done.output


def test_its_worker_says_why_it_is_off():
    """The message names the missing variable."""
    app = flask.Flask("shop")
    TikTokEvents(app)
    done = app.test_cli_runner().invoke(args=["tiktok-events", "worker"])

    assert done.exit_code == 2
    assert "TIKTOK_PIXEL_CODE" in done.output
