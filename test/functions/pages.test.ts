import { createHash } from 'node:crypto';
import { completeCallback, handler, recordFailure } from '../../functions/complete-callback';
import { type AppLook, pageHeaders, pageReply, type PageView } from '../../functions/core/http/page';
import { pageLanguage } from '../../functions/core/http/page-language';
import { type Language, languages, pageTexts } from '../../functions/core/http/page-texts';
import { FailureCause } from '../../functions/core/state/session';
import { appLook, contrast } from '../../infra/settings/app-look';
import { eventOf } from '../proofs/doors/doors';
import { journey } from '../support/journey';
import { referenceIdOf, terraUser, type World, world } from '../support/world';

const target = 'exampleapp://connected?session_id=1&status="\'><b>';
const href = 'exampleapp://connected?session_id=1&amp;status=&quot;&#39;&gt;&lt;b&gt;';
const again = '/v1/callback/a.b.c/success?user_id="\'><b>&try=2';
const againHref = '/v1/callback/a.b.c/success?user_id=&quot;&#39;&gt;&lt;b&gt;&amp;try=2';
const hostile: AppLook = { name: '<script>"A&B" $& %\'</script>' };
const hostileName = '&lt;script&gt;&quot;A&amp;B&quot; $&amp; %&#39;&lt;/script&gt;';

/** Every page, with the texts that are to stand on it. */
const views: [string, PageView, (keyof (typeof pageTexts)['en'])[]][] = [
  ['leads nowhere', { kind: 'neutral' }, ['closable', 'goOn']],
  ['goes back after a return', { kind: 'returned', target }, ['almostDone', 'goOn', 'back']],
  ['goes on in the app', { kind: 'sdk_required', provider: 'APPLE', target }, ['oneMoreStep', 'inApp', 'goOn', 'back']],
  ...FailureCause.options.map((cause): [string, PageView, (keyof (typeof pageTexts)['en'])[]] => [
    `failed: ${cause}`,
    { kind: 'failed', cause, target },
    [cause, 'failed', 'back'],
  ]),
  [
    'tries again by itself',
    { kind: 'waiting', again, afterSeconds: 4 },
    ['oneMoment', 'waiting', 'keepOpen', 'tryAgain'],
  ],
  [
    'tries again when its button is pressed',
    { kind: 'waiting', again, afterSeconds: undefined },
    ['takesLonger', 'notConfirmed', 'startAgain', 'tryAgain'],
  ],
];
const everyPage = views.flatMap(([what, view, texts]) =>
  languages.map(language => [what, language, view, texts] as const),
);

/** The page's only link, and the content of its only refresh, as the page must have them. */
function expectedLinks(view: PageView): [links: string[], refreshes: string[]] {
  if (view.kind === 'neutral') return [[], []];
  if (view.kind !== 'waiting') return [[href], [`0;url=${href}`]];
  return [[againHref], view.afterSeconds === undefined ? [] : [`${view.afterSeconds};url=${againHref}`]];
}

const textOf = (page: string) => page.replace(/<style>.*<\/style>/s, '').replaceAll(/<[^>]*>/g, '\n');

describe.each(everyPage)('the page that %s, in %s,', (_what, language, view, texts) => {
  test.each([
    ['unnamed', undefined, ''],
    ['named', { name: 'Stride' }, 'Stride'],
  ] as const)('is complete with the app %s', (_named, look, name) => {
    const { page } = pageReply(view, language, look);

    const app = pageTexts[language].app[look ? 1 : 0].replace('%', name);
    const said = texts.map(key => String(pageTexts[language][key]).replace('{app}', app));
    const shown = textOf(page).replaceAll('\n', '');
    for (const sentence of said) expect(shown).toContain(sentence.replace('{provider}', 'Apple Health'));
    expect(page).not.toMatch(/[{}%](?![^<]*<\/style>)|undefined/);
  });

  test('has one heading, one main landmark, its language and its direction', () => {
    const { page } = pageReply(view, language, undefined);

    const [, attributes, title] = /^<!doctype html><html ([^>]*)>.*<title>([^<]+)<\/title>/.exec(page) ?? [];
    expect(attributes).toBe(language === 'ar' ? 'lang="ar" dir="rtl"' : `lang="${language}"`);
    expect(page.match(/<h1>/g)).toHaveLength(1);
    expect(page).toContain(`<main><h1>${title}</h1>`);
  });

  test('escapes the app’s name', () => {
    const { page } = pageReply(view, language, hostile);

    const namesTheApp = texts.some(key => pageTexts[language][key].includes('{app}'));
    expect(page).not.toContain('<script');
    expect(page.includes(`<bdi>${hostileName}</bdi>`)).toBe(namesTheApp);
  });

  test('has at most one link, and refreshes only to that link', () => {
    const { page } = pageReply(view, language, hostile);

    const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, to]) => to);
    const refreshes = [...page.matchAll(/http-equiv="?refresh"? content="([^"]*)"/gi)].map(([, to]) => to);
    expect([links, refreshes]).toEqual(expectedLinks(view));
  });

  test('has the security headers of every page, and the hash of its only style', () => {
    const { status, page, headers } = pageReply(view, language, undefined);

    const styles = [...page.matchAll(/<style>(.*?)<\/style>/gs)].map(([, style = '']) => style);
    const hashes = styles.map(style => `'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    expect(hashes).toHaveLength(1);
    expect(page).not.toContain(' style=');
    expect({ status, headers }).toEqual({
      status: 200,
      headers: {
        ...pageHeaders,
        'content-security-policy': `${pageHeaders['content-security-policy']}; style-src ${hashes[0]}`,
      },
    });
  });

  test('loads no resources and has no text in another language', () => {
    const { page } = pageReply(view, language, undefined);

    expect(page).not.toMatch(/<(script|img|link|iframe|object|embed|form|base|svg)\b|\bon\w+=|url\(|@import|https?:/i);
    const others = languages.filter(other => other !== language);
    for (const other of others) expect(textOf(page).split('\n')).not.toContain(pageTexts[other][texts[0] ?? 'goOn']);
  });
});

test.each(languages)('every text in %s is set, and names the app and the provider where required', language => {
  const { app, ...texts } = pageTexts[language];
  const slots = Object.entries(texts).map(([key, text]) => [key, text.match(/{\w+}/g) ?? []] as const);

  for (const text of [...app, ...Object.values(texts)]) expect(text).toMatch(/^\S.*\S$/);
  expect(slots.filter(([, found]) => found.length > 0)).toEqual([
    ['goOn', ['{app}']],
    ['inApp', ['{provider}']],
    ['failed', ['{app}']],
    ['startAgain', ['{app}']],
    ['back', ['{app}']],
  ]);
  expect(app.map(form => form.split('%').length)).toEqual([1, 2]);
});

test('each SDK provider has its usual name', () => {
  const shown = (provider: string) =>
    /<bdi>(.*?)<\/bdi>/.exec(pageReply({ kind: 'sdk_required', provider, target }, 'en', undefined).page)?.[1];

  expect(
    ['APPLE', 'APPLE_HEALTH', 'SAMSUNG', 'HEALTH_CONNECT', 'GOOGLEFIT', 'GOOGLE_FIT', 'FREESTYLELIBRESDK'].map(shown),
  ).toEqual([
    'Apple Health',
    'Apple Health',
    'Samsung Health',
    'Health Connect',
    'Google Fit',
    'Google Fit',
    'FreeStyle Libre',
  ]);
});

test.each<[session: string | undefined, accept: string | undefined, Language]>([
  ['de', 'fr', 'de'],
  ['de-AT', 'fr', 'de'],
  ['pt-BR', undefined, 'pt'],
  ['fi', 'sv;q=0.5, da;q=0.8', 'da'],
  ['fi', 'fi', 'en'],
  [undefined, undefined, 'en'],
  [undefined, '', 'en'],
  [undefined, 'de-AT', 'de'],
  [undefined, 'DE-at', 'de'],
  [undefined, 'zh-Hans-CN,ja;q=0.9,en;q=0.8', 'ja'],
  [undefined, 'en;q=0.8, ar;q=0.9', 'ar'],
  [undefined, 'it, es', 'it'],
  [undefined, 'fr;q=1.0,nl;q=1', 'fr'],
  [undefined, 'fr ; q=0.1 , nl ; q=0.2', 'nl'],
  [undefined, 'pl;q=0', 'en'],
  [undefined, 'pl;q=0.000, es;q=0.001', 'es'],
  [undefined, '*', 'en'],
  [undefined, '*;q=0.1, sv', 'sv'],
  [undefined, 'deu', 'en'],
  [undefined, 'pl;q=2, es;q=0.1', 'es'],
  [undefined, 'pl;q=x, nl', 'nl'],
  [undefined, ';q=1,,,de;;,da', 'da'],
  [undefined, 'constructor, __proto__, toString', 'en'],
  [undefined, '\u0000<script>, ' + '-'.repeat(5000), 'en'],
])('a session in %p and a browser that accepts %p get a page in %s', (session, accept, language) => {
  expect(pageLanguage(session, accept)).toBe(language);
});

describe('what the browser gets', () => {
  const german = { 'accept-language': 'de-DE,en;q=0.5' };
  const back = { rawBody: Buffer.alloc(0), body: undefined };
  type Told = { returnTo?: string; language?: string; path?: string; look?: AppLook };

  async function comesBack(
    end: 'success' | 'failure',
    query: Record<string, string>,
    { returnTo = 'app', language, path, look }: Told = {},
  ) {
    const here = world();
    const { state } = await journey(here).open('alice', { returnTo, ...(language !== undefined && { language }) });
    if (query.user_id !== undefined) here.terra.users.set(query.user_id, authenticatedUser(query.user_id, here));
    const browser = { cookies: [], sourceIp: '192.0.2.1' };
    const request = { ...back, path: { state: path ?? state }, query, headers: german, note: here.note, browser };
    return (end === 'success' ? completeCallback : recordFailure)(request, { ...here, look });
  }
  const authenticatedUser = (terraUserId: string, here: World) => ({
    terraUserId,
    provider: 'GARMIN',
    referenceId: referenceIdOf('alice'),
    authenticated: true,
    createdAt: here.clock(),
    scopes: [],
  });
  const titleOf = ({ page }: { page: string }) => /<h1>(.*?)<\/h1>/.exec(page)?.[1];
  const user = { user_id: terraUser(1) };

  test.each([
    ['a return', 'success', user, 'C’est presque terminé'],
    ['an SDK provider', 'success', { resource: 'APPLE' }, 'Encore une étape'],
    ['a denial', 'failure', { reason: 'access_denied' }, 'L’accès n’a pas été autorisé'],
    ['a cancellation', 'failure', { reason: 'auth_cancelled' }, 'La connexion a été annulée'],
    ['an error', 'failure', { reason: 'provider error' }, 'Le service a signalé un problème'],
    ['a failure without a reason', 'failure', {}, 'Cela n’a pas fonctionné'],
  ] as const)('after %s is written in the language of the session', async (_what, end, query, title) => {
    expect(titleOf(await comesBack(end, query, { language: 'fr-CA' }))).toBe(title);
  });

  test('uses a language of the browser’s if the session has none', async () => {
    expect(titleOf(await comesBack('success', user))).toBe('Fast geschafft');
    expect(titleOf(await comesBack('failure', {}))).toBe('Das hat nicht geklappt');
  });

  test('does not depend on the session’s language if there is no valid session', async () => {
    const nowhere = await comesBack('success', {}, { language: 'fr' });

    expect(titleOf(nowhere)).toBe('Sie können diese Seite schließen');
    expect(nowhere).toEqual(await comesBack('failure', {}, { language: 'fr', path: 'nonsense' }));
  });

  test('names the app, with and without a valid session', async () => {
    const look = { name: 'Stride' };

    expect((await comesBack('success', user, { look })).page).toContain('Zurück zur App <bdi>Stride</bdi></a>');
    expect((await comesBack('success', {}, { look })).page).toContain('in der App <bdi>Stride</bdi>.');
  });

  test('for a web app is a redirect, not a page', async () => {
    const reply = await comesBack('failure', {}, { returnTo: 'web', language: 'fr' });

    expect(reply).toMatchObject({ status: 303, page: '' });
  });
});

test('the deployed function shows the app as its environment has it', async () => {
  const look = { name: 'Stride', accent: { color: '#ffd166', text: '#000000' } };
  const environment = {
    TABLE_NAME: 'records',
    RETURN_TARGETS: '{}',
    CONFIRMATION: 'required',
    CALLBACK_BASE: 'https://api.example/v1/callback',
    TERRA_API_URL: 'https://terra.example/v2',
    TERRA_WIDGET_URL: 'https://terra.example/widget/session',
    TERRA_API_SECRET: 'terra-api',
  };
  process.env = { ...process.env, ...environment, APP_LOOK: JSON.stringify(look) };
  const reached = eventOf({ method: 'GET', path: '/v1/callback/nonsense/success' });
  if (!reached) throw new Error('the gateway has no such route');

  const log = jest.spyOn(console, 'info').mockImplementation(() => undefined);

  const { body } = await handler(reached.event);

  log.mockRestore();
  expect(body).toBe(pageReply({ kind: 'neutral' }, 'en', look).page);
  expect(body).toContain('the <bdi>Stride</bdi> app');
});

describe('colours', () => {
  const styleOf = (look: AppLook | undefined) => {
    const { page } = pageReply({ kind: 'returned', target }, 'en', look);
    const [, scheme] = /color-scheme:([a-z ]+)}/.exec(page) ?? [];
    const [, background, text] = /system-ui,sans-serif;background:([#\w]+);color:([#\w]+)}/.exec(page) ?? [];
    const [, button = '', label = ''] = /;background:(#\w+);color:(#\w+);text-decoration/.exec(page) ?? [];
    const [, outline] = /focus-visible{outline:3px solid ([#\w]+);/.exec(page) ?? [];
    return { scheme, background, text, button, label, outline };
  };

  test('without settings follow light and dark, and the button can be read and be seen in both', () => {
    const { button, label, ...page } = styleOf(undefined);

    expect(page).toEqual({
      scheme: 'light dark',
      background: 'Canvas',
      text: 'CanvasText',
      outline: 'CanvasText',
    });
    expect(contrast(button, label)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(button, '#ffffff')).toBeGreaterThanOrEqual(3);
    expect(contrast(button, '#121212')).toBeGreaterThanOrEqual(3);
  });

  test('from the settings apply to page and button, with readable text', () => {
    const dark = appLook({ name: 'Stride', accent: '#ffd166', background: '#1b2a41' });
    const light = appLook({ name: 'Stride', accent: '#5b3df5', background: '#fff7e6' });

    const [darkPage, lightPage] = [
      { background: '#1b2a41', text: '#ffffff' },
      { background: '#fff7e6', text: '#000000' },
    ];
    expect(styleOf(dark)).toMatchObject({ ...darkPage, scheme: 'dark', button: '#ffd166', label: '#000000' });
    expect(styleOf(light)).toMatchObject({ ...lightPage, scheme: 'light', button: '#5b3df5', label: '#ffffff' });
    expect([styleOf(dark).outline, styleOf(light).outline]).toEqual(['#ffffff', '#000000']);
  });

  test('of any value have text with a contrast of at least 4.5', () => {
    const steps = ['00', '33', '59', '76', '77', '99', 'bc', 'ff'];
    const all = steps.flatMap(red => steps.flatMap(green => steps.map(blue => `#${red}${green}${blue}`)));

    const least = Math.min(
      ...all.map(accent => contrast(accent, appLook({ name: 'x', accent }).accent?.text ?? accent)),
    );
    expect(least).toBeGreaterThanOrEqual(4.5);
  });

  test('contrast is computed as WCAG defines it', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 10);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
    expect(contrast('#ffffff', '#767676')).toBeCloseTo(4.54, 2);
    expect(contrast('#ff0000', '#ffffff')).toBeCloseTo(4.0, 2);
    expect(contrast('#0000ff', '#00ff00')).toBeCloseTo(6.26, 2);
  });
});
