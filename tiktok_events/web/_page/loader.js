// The pixel's queue: an array of calls ([method, ...arguments]) that TikTok's library drains once it is there.
var METHODS = ["page", "track", "identify", "instances", "debug", "on", "off", "once", "ready", "alias", "group",
  "enableCookie", "disableCookie", "holdConsent", "revokeConsent", "grantConsent"];

// `window.ttq`: somebody's base code or the library itself if the page has one, else ours.
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
  function stubbed(target) {
    METHODS.forEach(function (method) { queue.setAndDefer(target, method); });
    return target;
  }
  queue._i = {};
  queue._t = {};
  queue._o = {};
  queue.instance = function (pixel) { return stubbed(queue._i[pixel] || []); };
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
  return stubbed(queue);
}
