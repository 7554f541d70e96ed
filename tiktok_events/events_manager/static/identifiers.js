// What the stand-in for TikTok's pixel script makes of identifiers; served in front of pixel.js.
"use strict";

function identifiersOf(switches) {
  const DIGEST = /^[0-9a-f]{64}$/i;

  // Here rather than crypto.subtle: that one makes callers wait, so a page that is left would lose its last events,
  // and http pages have it on loopback only.
  function sha256(text) {
    const bytes = new TextEncoder().encode(text);
    const words = new Int32Array(((bytes.length + 8) >> 6) * 16 + 16);
    bytes.forEach((byte, at) => (words[at >> 2] |= byte << (24 - (at % 4) * 8)));
    words[bytes.length >> 2] |= 0x80 << (24 - (bytes.length % 4) * 8);
    words[words.length - 1] = bytes.length * 8;
    const primes = [];
    for (let one = 2; primes.length < 64; one += 1) if (primes.every((prime) => one % prime)) primes.push(one);
    const fraction = (root) => ((root % 1) * 2 ** 32) | 0;
    const turn = (value, by) => (value >>> by) | (value << (32 - by));
    let state = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
    for (let block = 0; block < words.length; block += 16) {
      const w = words.slice(block, block + 16);
      let [a, b, c, d, e, f, g, h] = state;
      for (let at = 0; at < 64; at += 1) {
        if (at > 15) {
          const [x, y] = [w[(at + 1) % 16], w[(at + 14) % 16]];
          const mixed = (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
          w[at % 16] = w[at % 16] + w[(at + 9) % 16] + mixed;
        }
        const chosen = (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g));
        const one = h + chosen + fraction(Math.cbrt(primes[at])) + w[at % 16];
        const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
      }
      state = [a, b, c, d, e, f, g, h].map((value, at) => (value + state[at]) | 0);
    }
    return state.map((value) => (value >>> 0).toString(16).padStart(8, "0")).join("");
  }

  function normalEmail(text) {
    const lower = text.toLowerCase();
    const [local, host] = lower.split("@");
    if (!local || !host) return "";
    const folds = switches.folds_gmail && /^(gmail|googlemail)\.com$/.test(host); // M: "a suggested normal form"
    return folds ? `${local.split("+")[0].replaceAll(".", "")}@${host}` : lower;
  }

  function normalPhone(text) {
    const bare = text.replace(/[\s().\-/]/g, "");
    // M: TikTok guesses the country of a number without one by the visitor's address, and may refuse the number.
    const guessed = switches.calling_code ? `+${switches.calling_code}${bare.replace(/^0+/, "")}` : "";
    const number = bare.startsWith("+") ? bare : guessed;
    return /^\+[1-9]\d{6,14}$/.test(number) ? number : "";
  }

  function hashed(text, normal) {
    // M: TikTok's own plugin passes digests under the plain names.
    if (switches.detects_digests && DIGEST.test(text)) return text.toLowerCase();
    // H, but one vendor's documentation says that plain values are ignored.
    const plain = switches.hashes_plain ? normal(text) : "";
    return plain && sha256(plain);
  }

  const lower = (text) => text.toLowerCase();
  const kept = (text) => text;
  const IDENTIFIERS = {
    email: (text) => hashed(text, normalEmail),
    phone_number: (text) => hashed(text, normalPhone),
    sha256_email: kept,
    sha256_phone_number: kept,
    external_id: kept,
  };
  // M: seen in TikTok's own template. What the pixel does to them is not known; here, what the server side asks for.
  const WIDER = {
    first_name: (text) => hashed(text, lower),
    last_name: (text) => hashed(text, lower),
    zip_code: (text) => hashed(text, lower),
    city: lower,
    state: lower,
    country: lower,
    locale: kept,
  };

  // Reads ttq.identify's arguments, which are one object, or an external id and one.
  function identify(into, first, second) {
    const given = typeof first === "object" ? first : { ...second, external_id: first };
    for (const [key, prepare] of Object.entries(switches.wide_identify ? { ...IDENTIFIERS, ...WIDER } : IDENTIFIERS)) {
      const text = String((given || {})[key] ?? "").trim();
      const value = text && prepare(text);
      if (value) into[key] = value;
    }
  }

  return identify;
}
