import { createHash } from 'node:crypto';
import { type Language, type PageTexts, pageTexts } from './page-texts';
import type { FailureCause } from '../state/session';

/**
 * Headers of every response to a browser. They prevent loading, framing and caching, and send no referrer.
 * Sources: OWASP REST Security Cheat Sheet; RFC 9700 §4.2.4.
 */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
} as const;

/** A colour as `#rrggbb`, and the colour of text on it. */
type Colour = { readonly color: string; readonly text: string };

/** Name and colours of the app on pages, from the settings. */
export type AppLook = {
  readonly name: string;
  /** Colour of the button. */
  readonly accent?: Colour;
  readonly background?: Colour;
};

/** The pages. `target` is the return target and the page's only link, except on the waiting page. */
export type PageView =
  /** Shown for every invalid state. Always the same, so that it reveals nothing about a session. */
  | { readonly kind: 'neutral' }
  | { readonly kind: 'returned'; readonly target: string }
  | { readonly kind: 'failed'; readonly cause: FailureCause; readonly target: string }
  | { readonly kind: 'sdk_required'; readonly provider: string; readonly target: string }
  /**
   * Terra does not yet confirm that the Terra user is authenticated. `again` is the callback's own path and query for the next
   * try. The page loads it after `afterSeconds`; if that is undefined, only the button loads it.
   */
  | { readonly kind: 'waiting'; readonly again: string; readonly afterSeconds: number | undefined };

/**
 * Returns a page in one language with its headers. Browsers block scripts that open an app, so a page with a target uses a
 * refresh and also shows a link.
 */
export function pageReply(view: PageView, language: Language, look: AppLook | undefined) {
  const texts = pageTexts[language];
  const style = styleOf(look);
  const digest = createHash('sha256').update(style).digest('base64');
  const policy = `${pageHeaders['content-security-policy']}; style-src 'sha256-${digest}'`;
  const { title, sentences } = textsOf(view, texts);
  const name = look && isolated(look.name);
  const app = texts.app[name === undefined ? 0 : 1];
  const provider = view.kind === 'sdk_required' ? isolated(productName[view.provider] ?? view.provider) : '';
  // Replaced by functions, because `$` has a meaning in a replacement text.
  const fill = (sentence: string) =>
    sentence.replace('{app}', () => app.replace('%', () => name ?? '')).replace('{provider}', () => provider);
  const next = linkOf(view, texts);
  const href = next && escapeHtml(next.url);
  const refresh =
    next?.afterSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${next.afterSeconds};url=${href}">`;
  const link = next ? `<a href="${href}">${fill(next.label)}</a>` : '';
  const page = `<!doctype html><html lang="${language}"${language === 'ar' ? ' dir="rtl"' : ''}><head><meta charset="utf-8">\
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">${refresh}\
<title>${title}</title><style>${style}</style></head>\
<body><main><h1>${title}</h1>${sentences.map(sentence => `<p>${fill(sentence)}</p>`).join('')}${link}</main></body></html>`;
  return { status: 200 as const, page, headers: { ...pageHeaders, 'content-security-policy': policy } };
}

function textsOf(view: PageView, texts: PageTexts): { title: string; sentences: string[] } {
  switch (view.kind) {
    case 'neutral':
      return { title: texts.closable, sentences: [texts.goOn] };
    case 'returned':
      return { title: texts.almostDone, sentences: [texts.goOn] };
    case 'failed':
      return { title: texts[view.cause], sentences: [texts.failed] };
    case 'sdk_required':
      return { title: texts.oneMoreStep, sentences: [texts.inApp, texts.goOn] };
    case 'waiting':
      return view.afterSeconds === undefined
        ? { title: texts.takesLonger, sentences: [texts.notConfirmed, texts.startAgain] }
        : { title: texts.oneMoment, sentences: [texts.waiting, texts.keepOpen] };
    default:
      return view satisfies never;
  }
}

/**
 * Returns the page's link and the seconds after which the page follows it automatically (undefined: never). Returns undefined
 * if the page has no link.
 */
function linkOf(
  view: PageView,
  texts: PageTexts,
): { url: string; label: string; afterSeconds: number | undefined } | undefined {
  switch (view.kind) {
    case 'neutral':
      return undefined;
    case 'waiting':
      return { url: view.again, label: texts.tryAgain, afterSeconds: view.afterSeconds };
    case 'returned':
    case 'failed':
    case 'sdk_required':
      return { url: view.target, label: texts.back, afterSeconds: 0 };
    default:
      return view satisfies never;
  }
}

/** Product names of Terra's SDK providers. */
const productName: Readonly<Record<string, string>> = {
  APPLE: 'Apple Health',
  APPLE_HEALTH: 'Apple Health',
  SAMSUNG: 'Samsung Health',
  HEALTH_CONNECT: 'Health Connect',
  GOOGLEFIT: 'Google Fit',
  GOOGLE_FIT: 'Google Fit',
  FREESTYLELIBRESDK: 'FreeStyle Libre',
};

function styleOf(look: AppLook | undefined): string {
  const button = look?.accent ?? { color: '#1f6f54', text: '#ffffff' };
  const page = look?.background ?? { color: 'Canvas', text: 'CanvasText' };
  const scheme = look?.background === undefined ? 'light dark' : page.text === '#ffffff' ? 'dark' : 'light';
  // The border keeps a button visible whose colour is close to the page's, which can be light or dark.
  // `auto-phrase` keeps Japanese lines from ending inside a word; it changes no other language here.
  return `:root{color-scheme:${scheme}}body{margin:0;min-height:100vh;min-height:100svh;display:grid;place-items:center;\
font:1.0625rem/1.5 system-ui,sans-serif;background:${page.color};color:${page.text}}\
main{box-sizing:border-box;width:100%;max-width:28rem;padding:2rem 1.5rem;text-align:center;overflow-wrap:anywhere;\
word-break:auto-phrase}\
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem;text-wrap:balance}p{margin:0 0 .5rem;text-wrap:pretty}\
a{display:block;margin-top:1.5rem;padding:.875rem 1.5rem;border:1px solid;border-radius:.75rem;background:${button.color};\
color:${button.text};text-decoration:none;font-weight:600}a:focus-visible{outline:3px solid ${page.text};outline-offset:3px}`;
}

/** Isolates a name, so that it keeps its own direction inside right-to-left or left-to-right text. */
const isolated = (name: string): string => `<bdi>${escapeHtml(name)}</bdi>`;

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, character => entities[character] ?? character);
}
