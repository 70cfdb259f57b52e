import type { BrowserContext, Page, Request } from 'playwright-core';

/** What a test says beforehand would be amiss anywhere else. */
export type Expected = {
  /** Answers of 400 and above, each as `<method> <path> <status>`. */
  readonly answers?: readonly RegExp[];
  /** Addresses outside the browser it may be sent to: an app's own scheme. */
  readonly apps?: readonly RegExp[];
};

export type Watch = {
  /** Where the browser was sent that is no web page: an app's links. */
  readonly apps: readonly string[];
  /** Each code the browser was handed, in order, as often as it was. */
  readonly codes: readonly string[];
  /** Callbacks the browser was sent to, whole, in order. */
  readonly callbacks: readonly string[];
  /** Answers of 400 and above, each as `<method> <path> <status>`. */
  readonly badAnswers: readonly string[];
  /** Everything else that was amiss so far, a sentence each. */
  faults(): Promise<readonly string[]>;
};

/** What was amiss in any of the profiles of a test, a sentence each; what was expected must have happened too. */
export async function faultsIn(
  watches: readonly Watch[],
  { answers = [], apps = [] }: Expected,
): Promise<readonly string[]> {
  const badAnswers = watches.flatMap(one => one.badAnswers);
  const opened = watches.flatMap(one => one.apps);
  return [
    ...(await Promise.all(watches.map(one => one.faults()))).flat(),
    ...badAnswers.filter(answer => !answers.some(one => one.test(answer))).map(answer => `answered: ${answer}`),
    ...answers.filter(one => !badAnswers.some(answer => one.test(answer))).map(one => `never answered: ${one}`),
    ...opened.filter(url => !apps.some(one => one.test(url))).map(() => 'the browser was sent into an app'),
    ...apps.filter(one => !opened.some(url => one.test(url))).map(one => `never sent into an app: ${one}`),
  ];
}

/**
 * Watches a browser: errors in pages and on their consoles, failed requests, bad answers, requests
 * to elsewhere, and tokens and codes in places where they would stay.
 */
export function watch(context: BrowserContext): Watch {
  const faults: string[] = [];
  const badAnswers: string[] = [];
  const apps: string[] = [];
  const codes: string[] = [];
  const callbacks: string[] = [];
  const tokens = new Set<string>();
  const requests: Request[] = [];
  const noteCode = (address: string) => {
    const code = URL.canParse(address) && new URL(address).searchParams.get('code');
    if (code) codes.push(code);
  };

  context.on('weberror', error => faults.push(`error in the page: ${error.error().message}`));
  context.on('console', message => {
    // Bad answers are judged as answers.
    const isTold = message.text().startsWith('Failed to load resource');
    if (['error', 'warning'].includes(message.type()) && !isTold) faults.push(`on the console: ${message.text()}`);
  });
  context.on('request', request => {
    requests.push(request);
    const url = new URL(request.url());
    if (isCallback(url)) callbacks.push(url.href);
    for (const token of tokensSent(request)) tokens.add(token);
    if (isOfNoWeb(url)) {
      apps.push(url.href);
      noteCode(url.href);
    } else if (!isOnThisMachine(url)) faults.push(`a request to elsewhere: ${withoutQuery(url)}`);
  });
  context.on('response', response => {
    const status = response.status();
    if (status >= 400) badAnswers.push(`${response.request().method()} ${new URL(response.url()).pathname} ${status}`);
    noteCode(response.headers().location ?? '');
  });
  context.on('requestfailed', request => {
    const url = new URL(request.url());
    const why = request.failure()?.errorText ?? '';
    // A page that is left drops the calls it had under way, and what goes to an app never answers.
    const isDropped = why === 'net::ERR_ABORTED' && (request.resourceType() === 'fetch' || isOfNoWeb(url));
    if (!isDropped) faults.push(`failed: ${request.method()} ${withoutQuery(url)} ${why}`);
  });

  return {
    apps,
    codes,
    callbacks,
    badAnswers,
    async faults() {
      const secrets = [...tokens, ...codes];
      const holdsSecret = (text: string) => secrets.some(secret => text.includes(secret));
      return [
        ...faults,
        ...requests.filter(request => tellsTooMuch(request, holdsSecret)).map(tellingRequest),
        ...(await Promise.all(context.pages().map(page => keptSecrets(page, holdsSecret)))).flat(),
      ];
    },
  };
}

function isCallback(url: URL): boolean {
  return url.pathname.startsWith('/v1/callback/');
}

function isOfNoWeb({ protocol }: URL): boolean {
  return !['http:', 'https:', 'ws:', 'wss:', 'data:', 'blob:', 'about:'].includes(protocol);
}

function isOnThisMachine({ hostname, protocol }: URL): boolean {
  return ['localhost', '127.0.0.1'].includes(hostname) || ['data:', 'blob:', 'about:'].includes(protocol);
}

function withoutQuery(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** The bearer token, and the SDK token that the played phone redeems. */
function tokensSent(request: Request): string[] {
  const bearer = request.headers().authorization?.replace(/^Bearer /, '');
  const sent = /"token":"([^"]+)"/.exec(request.postData() ?? '')?.[1];
  return [bearer, sent].filter(token => token !== undefined);
}

/**
 * A code travels in the address of the return target, which is a navigation, and in no other address. Whom the browser tells
 * where it came from must know already: that is the same origin.
 */
function tellsTooMuch(request: Request, holdsSecret: (text: string) => boolean): boolean {
  const referrer = request.headers().referer ?? '';
  const isTold = holdsSecret(referrer) && new URL(referrer).origin !== new URL(request.url()).origin;
  return isTold || (!request.isNavigationRequest() && holdsSecret(request.url()));
}

function tellingRequest(request: Request): string {
  return `a code or token in the address or referrer of ${request.method()} ${withoutQuery(new URL(request.url()))}`;
}

/** Looks where a page leaves traces: the tab's history, and what it stored. */
async function keptSecrets(page: Page, holdsSecret: (text: string) => boolean): Promise<string[]> {
  const devtools = await page.context().newCDPSession(page);
  const { entries } = await devtools.send('Page.getNavigationHistory');
  await devtools.detach();
  const kept = entries.map(({ url }) => url);
  const isTelling = (url: string) => holdsSecret(url) || /[?&#](code|token|access_token)=/.test(url);
  const stored = await page
    .evaluate<string>('JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])')
    .catch(() => '');
  return [
    ...kept.filter(isTelling).map(url => `a code or token stays in the history: ${withoutQuery(new URL(url))}`),
    ...(holdsSecret(stored) ? [`a code or token is stored by ${withoutQuery(new URL(page.url()))}`] : []),
  ];
}
