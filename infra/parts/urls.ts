/** Hosts that are always this machine, the only ones for which http is accepted. */
const loopbackHosts = ['localhost', '127.0.0.1', '[::1]'];

/** Schemes that run code, read files or open another program; none leads back into the app. */
const refusedSchemes = [
  'about:',
  'blob:',
  'chrome:',
  'content:',
  'data:',
  'file:',
  'filesystem:',
  'ftp:',
  'intent:',
  'jar:',
  'javascript:',
  'mailto:',
  'sms:',
  'tel:',
  'vbscript:',
  'view-source:',
  'ws:',
  'wss:',
];

/** Returns whether the text is an https URL (http on loopback only) without user info, query and fragment. */
export function isServerUrl(text: string): boolean {
  const url = plainUrl(text);
  return url !== undefined && isSafeWeb(url, text) && url.search === '' && url.hash === '' && !/[?#]/.test(text);
}

/** Returns whether the text is an https URL (http on loopback only) or an app's custom scheme, without user info. */
export function isReturnTarget(text: string): boolean {
  const url = plainUrl(text);
  if (url === undefined) return false;
  if (url.protocol === 'https:' || url.protocol === 'http:') return isSafeWeb(url, text);
  return !refusedSchemes.includes(url.protocol) && /^[a-z][a-z0-9+.-]*:\//.test(text);
}

/** Returns whether the text is an origin as browsers send it: scheme, host and optional port (http on loopback only). */
export function isOrigin(text: string): boolean {
  const url = plainUrl(text);
  return url !== undefined && isSafeWeb(url, text) && url.origin === text;
}

// `URL` repairs white space, backslashes and missing slashes. Settings are compared byte for byte, so such texts are refused.
function plainUrl(text: string): URL | undefined {
  if (!/^[!-~]+$/.test(text) || /["'<>\\^`{|}*]/.test(text) || /^[^/]*\/\/[^/?#]*@/.test(text)) return undefined;
  return URL.canParse(text) ? new URL(text) : undefined;
}

function isSafeWeb(url: URL, text: string): boolean {
  if (!/^https?:\/\/[^/]/.test(text)) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopbackHosts.includes(url.hostname));
}
