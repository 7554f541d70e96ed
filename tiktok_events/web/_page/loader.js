// Base code of the pixel: an array of calls ([method, ...arguments]) that TikTok's script processes once it has loaded.
var METHODS = ["page", "track", "identify", "instances", "debug", "on", "off", "once", "ready", "alias", "group",
  "enableCookie", "disableCookie", "holdConsent", "revokeConsent", "grantConsent"];

// Returns `window.ttq`: the queue or script that the page already has, else a new queue.
function pixelQueue(scriptUrl, nonce) {
  var queue = window.ttq;
  if (queue && queue.load) return queue;
  queue = window.ttq = queue || [];
  window.TiktokAnalyticsObject = "ttq";
  queue.methods = METHODS;
  queue.setAndDefer = function (target, method) {
    target[method] = function () {
      target.push([method].concat([].slice.call(arguments)));
    };
  };
  function withStubs(target) {
    METHODS.forEach(function (method) { queue.setAndDefer(target, method); });
    return target;
  }
  queue._i = {};
  queue._t = {};
  queue._o = {};
  queue.instance = function (pixel) { return withStubs(queue._i[pixel] || []); };
  queue.load = function (pixel, options) {
    queue._i[pixel] = [];
    queue._i[pixel]._u = scriptUrl;
    queue._t[pixel] = Date.now();
    queue._o[pixel] = options || {};
    var script = document.createElement("script");
    script.async = true;
    script.src = scriptUrl + "?sdkid=" + pixel + "&lib=ttq";
    if (nonce) script.nonce = nonce;
    var first = document.getElementsByTagName("script")[0];
    if (first) first.parentNode.insertBefore(script, first);
    else document.head.appendChild(script);
  };
  return withStubs(queue);
}
