/** Hosts that are always this machine: only there may a URL be http. */
const loopbackHosts = ['localhost', '127.0.0.1', '[::1]'];

/** Schemes that run code, read files or leave the app: never a way back into one. */
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

/** An https URL of a server (http on loopback only), without user info, query or fragment. */
export function isServerUrl(text: string): boolean {
  const url = plainUrl(text);
  return url !== undefined && isSafeWeb(url, text) && url.search === '' && url.hash === '' && !/[?#]/.test(text);
}

/** An https URL (http on loopback only) or an app's custom scheme, without user info. */
export function isReturnTarget(text: string): boolean {
  const url = plainUrl(text);
  if (url === undefined) return false;
  if (url.protocol === 'https:' || url.protocol === 'http:') return isSafeWeb(url, text);
  return !refusedSchemes.includes(url.protocol) && /^[a-z][a-z0-9+.-]*:\//.test(text);
}

/** Exactly an origin as browsers send it: scheme, host and perhaps port (http on loopback only). */
export function isOrigin(text: string): boolean {
  const url = plainUrl(text);
  return url !== undefined && isSafeWeb(url, text) && url.origin === text;
}

// The parser mends white space, backslashes and missing slashes; a setting is compared byte for byte, so none is let in.
function plainUrl(text: string): URL | undefined {
  if (!/^[!-~]+$/.test(text) || /["'<>\\^`{|}*]/.test(text) || /^[^/]*\/\/[^/?#]*@/.test(text)) return undefined;
  return URL.canParse(text) ? new URL(text) : undefined;
}

function isSafeWeb(url: URL, text: string): boolean {
  if (!/^https?:\/\/[^/]/.test(text)) return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopbackHosts.includes(url.hostname));
}
