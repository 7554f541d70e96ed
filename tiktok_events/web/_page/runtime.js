// Page runtime: makes the pixel calls of the page's data and of `tiktokEvents.fire(payload)`, `.read(response)` and
// `.push(data)`. Nothing here throws into the page.
var STALE = 30 * 60 * 1000;
var FIRED = "tte:fired"; // storage key of the names and ids that were fired, with their times
var FIRED_FOR = 28 * 24 * 60 * 60 * 1000;
var MOST_FIRED = 200;
var settings = null; // the page's data, once pushed: pixels, load options, consent rule
var pending = Array.isArray(window.tiktokEvents) ? window.tiktokEvents : []; // calls pushed before the page's data
var applied = null; // consent that the pixel queue has: "yes", "hold", or "" for denied
var started = {};
var fired = {};
// Read while this script runs: an event listener has no current script.
var nonce = document.currentScript ? document.currentScript.nonce : "";

function safely(work) {
  return function () {
    try { return work.apply(null, arguments); } catch (error) { return undefined; }
  };
}

function cookie(name) {
  var pairs = document.cookie.split(";");
  for (var index = 0; index < pairs.length; index++) {
    var at = pairs[index].indexOf("=");
    if (at < 0 || pairs[index].slice(0, at).trim() !== name) continue;
    return pairs[index].slice(at + 1).trim().replace(/^"+|"+$/g, "");
  }
  return null;
}

function privacyControl() {
  return Boolean(settings.gpc && window.navigator && window.navigator.globalPrivacyControl);
}

// Returns "yes", "hold" or "" (denied). Every call reads the cookie, so that consent given in a banner counts at once.
function currentConsent() {
  var rule = settings.consent;
  var value = rule ? cookie(rule.name) : null;
  var known = rule ? value !== null : !settings.hold;
  if (rule && known && rule.granted.indexOf(value) < 0) return ""; // any other value denies, as on the server
  if (privacyControl() && settings.gpc === "deny" && !(rule && known)) return "";
  return known ? "yes" : settings.hold ? "hold" : "";
}

function limitedDataUse() {
  return Boolean(settings.options.limited_data_use || privacyControl());
}

// Calls consent methods, load, identify and page, in this order and before any track. Returns whether calls may follow.
function start(identify) {
  var now = currentConsent();
  if (!now) forgetFired();
  if (!now && !applied) return false;
  var queue = pixelQueue(settings.script_url, nonce);
  if (now === "hold" && !queue.holdConsent) return false; // base code older than the consent API cannot hold calls
  if (now === "hold" && applied !== "hold") queue.holdConsent();
  if (applied !== null && now !== applied && now !== "hold") queue[now ? "grantConsent" : "revokeConsent"]();
  applied = now;
  if (!now) return false;
  var existing = Object.keys(queue._i || {});
  var added = settings.pixels.filter(function (pixel) { return !started[pixel] && existing.indexOf(pixel) < 0; });
  settings.pixels.forEach(function (pixel) {
    if (!started[pixel] && added.indexOf(pixel) < 0) {
      console.info("tiktok-events: pixel " + pixel + " is on this page already and was not loaded again");
    }
    started[pixel] = true;
  });
  added.forEach(function (pixel) {
    var options = Object.assign({}, settings.options);
    if (limitedDataUse()) options.limited_data_use = true;
    queue.load(pixel, options);
  });
  if (identify) queue.identify(identify);
  if (settings.page) {
    // page() on the whole queue would count a second page view for a pixel that other base code has loaded.
    if (existing.length) added.forEach(function (pixel) { queue.instance(pixel).page(); });
    else queue.page();
  }
  return true;
}

// Calls `work` with localStorage, and with sessionStorage where that is refused, until one call does not throw.
function withStorage(work) {
  return ["localStorage", "sessionStorage"].some(function (name) {
    try { work(window[name]); return true; } catch (error) { return false; }
  });
}

// Pairs of name with id, and time; those of the last 28 days, oldest first.
function readFired() {
  var entries = [];
  ["localStorage", "sessionStorage"].forEach(safely(function (name) {
    entries = entries.concat(JSON.parse(window[name].getItem(FIRED)) || []);
  }));
  return entries.filter(function (entry) { return entry && entry[1] > Date.now() - FIRED_FOR; });
}

function forgetFired() {
  ["localStorage", "sessionStorage"].forEach(safely(function (name) { window[name].removeItem(FIRED); }));
}

// Whether this name and id were fired before in this browser. Records them.
function wasFired(event, id) {
  var key = event + ":" + id;
  var entries = readFired();
  var known = fired[key] || entries.some(function (entry) { return entry[0] === key; });
  fired[key] = true;
  // Only with consent. Held calls are lost when the page is left, so the next page may fire them.
  if (!known && applied === "yes") {
    entries = entries.concat([[key, Date.now()]]).slice(-MOST_FIRED);
    withStorage(function (storage) { storage.setItem(FIRED, JSON.stringify(entries)); });
  }
  return known;
}

var send = safely(function (call, stale) {
  if (!call || typeof call.event !== "string" || !call.event) return;
  var id = call.event_id ? String(call.event_id) : "";
  if (id && wasFired(call.event, id)) return;
  var params = Object.assign({}, call.params);
  if (settings && limitedDataUse()) params.limited_data_use = 1;
  // An old page comes from a cache: its random id belongs to another visitor.
  var args = id && (call.keyed || !stale) ? [call.event, params, { event_id: id }] : [call.event, params];
  var queues = settings ? settings.pixels.map(function (pixel) { return window.ttq.instance(pixel); }) : [window.ttq];
  queues.forEach(safely(function (queue) { queue.track.apply(queue, args); }));
});

function push(data) {
  if (data.forget) return forgetFired();
  if (data.pixels) settings = data;
  if (!settings) return pending.push(data);
  var stale = Date.now() - data.generated_at > STALE;
  if (start(stale ? null : data.identify)) {
    data.calls.forEach(function (call) { send(call, stale); });
  }
  pending.splice(0).forEach(safely(push));
}

function fire(payload) {
  var calls = [].concat(payload || []);
  if (settings ? start(null) : window.ttq && window.ttq.track) calls.forEach(function (call) { send(call); });
  else if (!settings && calls.length) pending.push({ calls: calls });
}

function read(response) {
  if (!response) return;
  var headers = response.headers || response;
  var text = headers.get ? headers.get("TikTok-Events") : response.getResponseHeader("TikTok-Events");
  if (text) fire(JSON.parse(text));
}

var blocks = [];
function readBlocks() {
  // Only script elements: markup that passes a sanitizer must not configure this page.
  [].forEach.call(document.querySelectorAll('script[type="application/json"]#tiktok-events'), safely(function (block) {
    if (blocks.indexOf(block) >= 0) return;
    blocks.push(block);
    push(JSON.parse(block.textContent));
  }));
}

if (!window.tiktokEvents || !window.tiktokEvents.fire) {
  window.tiktokEvents = { fire: safely(fire), read: safely(read), push: safely(push) };
  document.addEventListener("htmx:afterRequest", safely(function (event) { read(event.detail.xhr); }));
  document.addEventListener("htmx:after:request", safely(function (event) { read(event.detail.ctx.response); }));
  document.addEventListener("DOMContentLoaded", safely(readBlocks));
  safely(readBlocks)();
}
