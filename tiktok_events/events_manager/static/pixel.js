// The local Events Manager's stand-in for TikTok's pixel script: it takes the place of
// https://analytics.tiktok.com/i18n/pixel/events.js and reports to the manager that served it.
// It is written from what is known of the pixel, not from its code. What is certain stands here plainly; what rests on
// one source or on inference ("M", "L") is a switch, listed with its default in pixel_script.py.
"use strict";

(function standIn(switches) {
  const PIXEL = /^[A-Z0-9]{10,40}$/;
  const CLICK_ID = /^[A-Za-z0-9._-]{1,1000}$/;
  const UNDOCUMENTED = ["on", "off", "once", "alias", "group"]; // they exist, and do nothing here
  const DAY = 86400;
  const identify = identifiersOf(switches);

  const pixels = new Map(); // by code: { code, options, consent, waiting, user }
  const instances = new Map(); // by code: what ttq.instance(code) answers
  const user = {}; // what ttq.identify said, for every pixel
  const outbox = [];
  let consent = "granted"; // of pixels that are loaded from now on: granted, held or denied
  let cookiesOn = switches.first_party_cookies;
  let domain = null;
  let debugging = false;
  let isSending = false;
  let isLeaving = false;
  let ttq;
  let endpoint;

  // Nothing that goes wrong in here may reach the page.
  function guarded(method) {
    return (...args) => {
      try {
        return method(...args);
      } catch (error) {
        if (debugging) console.debug("[pixel stand-in]", error);
        return undefined;
      }
    };
  }

  function readCookie(name) {
    const pair = document.cookie.split("; ").find((one) => one.startsWith(`${name}=`));
    return pair ? pair.slice(name.length + 1) : "";
  }

  function writeCookie(name, value, seconds) {
    document.cookie = `${name}=${value}; Path=/; Max-Age=${seconds}${cookieDomain()}`;
  }

  // The registrable domain is the shortest one the browser lets us use. Addresses and localhost have none.
  function cookieDomain() {
    if (domain !== null) return domain;
    domain = "";
    const labels = location.hostname.split(".");
    if (/^[\d.]+$|:/.test(location.hostname)) return domain;
    for (let from = labels.length - 2; from >= 0 && !domain; from -= 1) {
      const tried = `; Domain=.${labels.slice(from).join(".")}`;
      document.cookie = `_tt_probe=1; Path=/; Max-Age=5${tried}`;
      if (readCookie("_tt_probe")) domain = tried;
      document.cookie = `_tt_probe=; Path=/; Max-Age=0${tried}`;
    }
    return domain;
  }

  function clickIdInUrl() {
    const found = new URLSearchParams(location.search).get("ttclid") || "";
    return CLICK_ID.test(found) ? found : "";
  }

  // M: since 2026 the cookie is `<click id>.<13-digit ms>`; older ones hold the id alone.
  function clickIdInCookie() {
    return cookiesOn ? readCookie("ttclid").replace(/\.\d{13}$/, "") : "";
  }

  function random(length) {
    const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    return Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => letters[byte % 32]).join("");
  }

  function mayStore() {
    // M: whether holding consent also holds the cookies is not known; the name "cookie consent mode" says so.
    const allowed = (one) => one.consent === "granted" || (one.consent === "held" && switches.cookies_while_held);
    return cookiesOn && [...pixels.values()].some(allowed);
  }

  // Before each event and after each change of consent, so that the 13 months run from the last use.
  function refreshCookies() {
    if (!mayStore()) return;
    const life = switches.ttp_days * DAY; // M: one dump of 2025 says 90 days
    if (switches.writes_ttp) {
      // M: its form has changed four times. This is 2026's, and nobody may read anything in it.
      writeCookie("_ttp", readCookie("_ttp") || `${random(26)}_.tt.1.${Date.now()}`, life);
    }
    writeCookie("_tt_enable_cookie", "1", life);
    const clicked = clickIdInUrl();
    if (switches.writes_ttclid && clicked && clicked !== clickIdInCookie()) {
      writeCookie("ttclid", `${clicked}.${Date.now()}`, switches.ttclid_hours * 3600);
    }
  }

  // M: whether a denial deletes cookies or only ends their use is not known.
  function stopCookies() {
    if (!switches.deletes_cookies) return;
    for (const name of ["_ttp", "_tt_enable_cookie", "ttclid"]) writeCookie(name, "", 0);
  }

  function record(pixel, event, params = {}, eventId = undefined) {
    const properties = JSON.parse(JSON.stringify(params || {})); // as it is now, whatever the page does to it later
    const isLimited = Boolean(pixel.options.limited_data_use || properties.limited_data_use);
    const body = {
      event,
      event_id: eventId,
      message_id: `messageId-${Date.now()}-${random(12)}`,
      timestamp: new Date().toISOString(),
      context: {
        page: { url: location.href, referrer: document.referrer },
        pixel: { code: pixel.code },
        user: { ...user, ...pixel.user },
        ad: { callback: clickIdInUrl() || undefined },
      },
      properties,
      limited_data_use: isLimited || undefined,
    };
    if (pixel.consent === "granted") post(body);
    else if (pixel.consent === "held" || switches.keeps_denied) pixel.waiting.push(body);
  }

  function post(body) {
    refreshCookies();
    body.context.ad.callback ||= clickIdInCookie() || undefined;
    if (cookiesOn) body.context.user.ttp = readCookie("_ttp") || undefined;
    if (debugging) console.debug("[pixel stand-in]", body.event, body);
    outbox.push(JSON.stringify(body)); // text/plain: nobody asks before it is sent
    void empty();
  }

  const beacon = guarded((body) => navigator.sendBeacon(endpoint, body));

  // One after the other, so that they arrive in their order.
  async function empty() {
    if (isSending) return;
    isSending = true;
    while (outbox.length) {
      const body = outbox.shift();
      const keepalive = body.length < 20000; // browsers refuse to keep more than 64 KiB alive
      try {
        await fetch(endpoint, { method: "POST", mode: "no-cors", credentials: "omit", keepalive, body });
      } catch {
        if (!isLeaving) beacon(body); // a page that is left sees its requests fail, though they arrive
      }
    }
    isSending = false;
  }

  function pixelsOf(only) {
    return [...pixels.values()].filter((pixel) => only === undefined || pixel.code === only);
  }

  function changeConsent(state, only) {
    const targets = pixelsOf(only);
    if (only === undefined) consent = state;
    for (const pixel of targets) pixel.consent = state;
    if (state === "denied") stopCookies();
    refreshCookies();
    for (const pixel of targets) {
      if (state === "granted") pixel.waiting.splice(0).forEach(post);
      if (state === "denied" && !switches.keeps_denied) pixel.waiting.length = 0; // M, as one vendor quotes TikTok
    }
  }

  // M: the pixel's own configuration steers this too; here the switch does.
  function observeHistory() {
    let last = location.href;
    const changed = guarded(() => {
      last = location.href;
      const observing = [...pixels.values()].filter((pixel) => pixel.options.historyObserver !== false);
      for (const pixel of observing) record(pixel, "Pageview");
    });
    for (const name of ["pushState", "replaceState"]) {
      const original = history[name];
      history[name] = function changeHistory(...args) {
        const result = original.apply(this, args);
        changed();
        return result;
      };
    }
    addEventListener("popstate", changed);
    addEventListener("hashchange", () => location.href === last || changed()); // popstate has mostly told already
  }

  // What the page calls: for every pixel, or for the one of an instance.
  function methodsOf(only) {
    const all = () => pixelsOf(only);
    return {
      // L: an id among the parameters, or given to page(), is taken for none unless a switch says otherwise.
      track(event, params, options) {
        const eventId = options?.event_id ?? (switches.id_in_params ? params?.event_id : undefined);
        const wanted = all().filter((pixel) => !options?.pixel_code || pixel.code === options.pixel_code);
        for (const pixel of wanted) record(pixel, event, params, eventId);
      },
      page(...args) {
        const eventId = switches.id_in_page ? args.find((one) => one?.event_id)?.event_id : undefined;
        for (const pixel of all()) record(pixel, "Pageview", {}, eventId);
      },
      identify(first, second) {
        const known = only === undefined ? [user] : all().map((pixel) => pixel.user);
        for (const into of known) identify(into, first, second);
      },
      holdConsent: () => changeConsent("held", only),
      grantConsent: () => changeConsent("granted", only),
      revokeConsent: () => changeConsent("denied", only),
      enableCookie() {
        cookiesOn = true;
        refreshCookies();
      },
      disableCookie() {
        cookiesOn = false;
        stopCookies();
      },
      debug: (wanted) => void (debugging = wanted !== false),
      ready: (callback) => void (typeof callback === "function" && callback()),
      instance: (code) => instanceOf(code),
      instances: () => [...pixels.keys()].map(instanceOf),
      load(code, options) {
        load(code, options);
        refreshCookies();
      },
      ...Object.fromEntries(UNDOCUMENTED.map((method) => [method, () => {}])),
    };
  }

  function install(target, only = undefined) {
    for (const [name, method] of Object.entries(methodsOf(only))) target[name] = guarded(method);
    return target;
  }

  // The loader's array of that pixel, if it has one: the page may still hold it.
  function instanceOf(code) {
    const one = (ttq._i || {})[code] || instances.get(code) || [];
    instances.set(code, one);
    return install(one, String(code));
  }

  function load(code, options) {
    if (!PIXEL.test(code)) return;
    const pixel = pixels.get(code) || { code, consent, waiting: [], user: {} };
    pixel.options = options || (ttq._o || {})[code] || {};
    pixels.set(code, pixel);
  }

  // Entries are arrays (or what `arguments` was): the method's name, then what it was called with.
  function drain(entries, target) {
    const call = guarded((entry) => {
      const [method, ...args] = Array.from(entry);
      // M: a callback that was queued before the script came is reported not to be called any more.
      if (method !== "ready" || switches.calls_ready) target[method](...args);
    });
    entries.forEach((entry) => call(entry));
  }

  // Every pixel is loaded before anything is drained, and what was said to all of them comes before what was said to
  // one: their arrays do not tell which came first.
  const attach = guarded((code) => {
    for (const one of [...Object.keys(ttq._i || {}), code]) load(one);
    install(ttq);
    // A callable stub is not the protocol. L: the pixel of one day in 2026 drained such a queue too.
    const queue = Array.isArray(ttq) ? ttq : (switches.callable_queue && ttq.queue) || [];
    const own = [...pixels.keys()].map(instanceOf);
    drain(queue.splice(0), ttq);
    for (const one of own) drain(one.splice(0), one);
    refreshCookies();
  });

  guarded(() => {
    const address = new URL(document.currentScript.src);
    const name = window.TiktokAnalyticsObject || "ttq";
    const code = address.searchParams.get("sdkid");
    ttq = window[name] ||= [];
    endpoint = `${address.origin}/api/v2/pixel/act`;
    if (ttq._standIn) {
      ttq._standIn(code); // a second pixel, or the loader once more: one script does the work, by its own switches
      return;
    }
    ttq._standIn = attach;
    if (switches.history_observer) observeHistory();
    addEventListener("pageshow", () => (isLeaving = false));
    addEventListener("pagehide", () => {
      isLeaving = true;
      outbox.splice(0).forEach((body) => beacon(body));
    });
    attach(code);
  })();
})(__SWITCHES__);
