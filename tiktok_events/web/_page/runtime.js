// What a page knows of tiktok-events: `tiktokEvents.fire(payload)`, `.read(response)`, `.push(data)`. It throws nothing.
var STALE = 30 * 60 * 1000;
var settings = null; // the page's data once it came: pixels, load options, consent rule
var waiting = Array.isArray(window.tiktokEvents) ? window.tiktokEvents : []; // calls that came before it
var told = null; // what the pixel was last told of consent: "yes", "hold", "" for no
var ours = {};
var fired = {};
// Read now: later, in an event, there is no current script.
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

// "yes", "hold" or "": asked anew each time, so that a banner's answer counts without a new page.
function allowed() {
  var rule = settings.consent;
  var value = rule ? cookie(rule.name) : null;
  var known = rule ? value !== null : !settings.hold;
  if (rule && known && rule.granted.indexOf(value) < 0) return ""; // any other value is a no, as on the server
  if (privacyControl() && settings.gpc === "deny" && !(rule && known)) return "";
  return known ? "yes" : settings.hold ? "hold" : "";
}

function limited() {
  return Boolean(settings.options.limited_data_use || privacyControl());
}

// Consent, load, identify, page: in this order, before any track. Says whether calls may follow.
function start(identify) {
  var now = allowed();
  if (!now && !told) return false;
  var queue = pixelQueue(settings.script_url, nonce);
  if (now === "hold" && !queue.holdConsent) return false; // base code older than the consent API cannot wait
  if (now === "hold" && told !== "hold") queue.holdConsent();
  if (told !== null && now !== told && now !== "hold") queue[now ? "grantConsent" : "revokeConsent"]();
  told = now;
  if (!now) return false;
  var there = Object.keys(queue._i || {});
  var fresh = settings.pixels.filter(function (pixel) { return !ours[pixel] && there.indexOf(pixel) < 0; });
  settings.pixels.forEach(function (pixel) {
    if (!ours[pixel] && fresh.indexOf(pixel) < 0) {
      console.info("tiktok-events: pixel " + pixel + " is on this page already and was not loaded again");
    }
    ours[pixel] = true;
  });
  fresh.forEach(function (pixel) {
    var options = Object.assign({}, settings.options);
    if (limited()) options.limited_data_use = true;
    queue.load(pixel, options);
  });
  if (identify) queue.identify(identify);
  if (settings.page) {
    // A plain page() would be a second page view of a pixel that somebody else loaded.
    if (there.length) fresh.forEach(function (pixel) { queue.instance(pixel).page(); });
    else queue.page();
  }
  return true;
}

// Whether this name and id were fired before, in this tab. Notes them.
function repeated(event, id) {
  var key = "tte:" + event + ":" + id;
  var known = fired[key];
  fired[key] = true;
  try {
    known = known || window.sessionStorage.getItem(key) !== null;
    // What waits for consent is lost with the page: the next one may fire it.
    if (told !== "hold") window.sessionStorage.setItem(key, "1");
  } catch (error) { /* no storage: this page's own memory has to do */ }
  return known;
}

var send = safely(function (call, stale) {
  if (!call || typeof call.event !== "string" || !call.event) return;
  var id = call.event_id ? String(call.event_id) : "";
  if (id && repeated(call.event, id)) return;
  var params = Object.assign({}, call.params);
  if (settings && limited()) params.limited_data_use = 1;
  // A random id on an old page came from a cache: it belongs to another visitor.
  var args = id && (call.keyed || !stale) ? [call.event, params, { event_id: id }] : [call.event, params];
  var queues = settings ? settings.pixels.map(function (pixel) { return window.ttq.instance(pixel); }) : [window.ttq];
  queues.forEach(safely(function (queue) { queue.track.apply(queue, args); }));
});

function push(data) {
  if (data.pixels) settings = data;
  if (!settings) return waiting.push(data);
  var stale = Date.now() - data.generated_at > STALE;
  if (start(stale ? null : data.identify)) {
    data.calls.forEach(function (call) { send(call, stale); });
  }
  waiting.splice(0).forEach(safely(push));
}

function fire(payload) {
  var calls = [].concat(payload || []);
  if (settings ? start(null) : window.ttq && window.ttq.track) calls.forEach(function (call) { send(call); });
  else if (!settings && calls.length) waiting.push({ calls: calls });
}

function read(response) {
  if (!response) return;
  var headers = response.headers || response;
  var text = headers.get ? headers.get("TikTok-Events") : response.getResponseHeader("TikTok-Events");
  if (text) fire(JSON.parse(text));
}

var blocks = [];
function readBlocks() {
  // Only a script element: markup that a sanitizer lets through must not configure this page.
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
