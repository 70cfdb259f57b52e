/**
 * Headers on everything a browser gets from us: nothing is loaded, framed, cached or told to others.
 * Sources: OWASP REST Security Cheat Sheet; RFC 9700 §4.2.4.
 */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
} as const;

const STYLE = `:root{color-scheme:light dark}body{margin:0;min-height:100vh;display:grid;place-items:center;
font:17px/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}main{max-width:26rem;padding:2rem;text-align:center}
h1{font-size:1.4rem;margin:0 0 .5rem}p{margin:0 0 1.5rem;opacity:.8}
a{display:inline-block;padding:.8rem 1.6rem;border-radius:.7rem;background:#1f6f54;color:#fff;text-decoration:none;font-weight:600}
a:focus-visible{outline:3px solid #7bc4a7;outline-offset:3px}`;

/** Says nothing of any session: the same for every visit that leads nowhere. */
// Pure: other functions use only the headers.
export const neutralPage = /* @__PURE__ */ page(
  'You can close this page',
  '<p>There is nothing more to do here. Go back to the app to continue.</p>',
);

/**
 * Sends the browser into an app with a custom scheme. Browsers block scripted jumps into apps, so the page refreshes
 * itself there and shows one link to press.
 */
export function appPage(target: string): string {
  const href = escapeHtml(target);
  return page(
    'Back to the app',
    `<p>If the app does not open by itself, press the button.</p><a href="${href}">Open the app</a>`,
    href,
  );
}

function page(title: string, content: string, refreshTo?: string): string {
  const refresh = refreshTo === undefined ? '' : `<meta http-equiv="refresh" content="0;url=${refreshTo}">`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">\
<meta name="robots" content="noindex">${refresh}<title>${title}</title><style>${STYLE}</style></head>\
<body><main><h1>${title}</h1>${content}</main></body></html>`;
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, character => entities[character] ?? character);
}
