import { readSettings, SettingsError } from '../../infra/settings/settings';
import { lambdas, object, templateWith } from './template';

const valid = {
  issuer: 'https://login.example.com/',
  audience: ['my-app'],
  returnTargets: { web: 'https://app.example.com/connected' },
};

test('three settings are enough; every other has its default', () => {
  expect(readSettings(valid)).toEqual({
    ...valid,
    ownerNamespace: 'https://login.example.com/',
    allowedOrigins: [],
    referenceId: 'opaque',
    allowUnboundTokens: true,
    confirmation: 'required',
    confirmWithinMinutes: 60,
    limits: { sessions: 10, mints: 20 },
    dataEvents: 'coalesce',
    widget: 'current',
    terraApiUrl: 'https://access.tryterra.co/api/v2',
    terraWidgetUrl: 'https://access.tryterra.co/api/widget/session',
    encryption: 'aws',
    stage: 'prod',
    removal: 'retain',
  });
});

test('parsing parsed settings changes nothing', () => {
  const settings = readSettings({
    ...valid,
    widget: 'legacy',
    publicUrl: 'https://connect.example.com/',
    app: { name: 'Stride', accent: '#ABCDEF' },
  });

  expect(readSettings(settings)).toEqual(settings);
});

test('unbound tokens are off with `referenceId: "subject"` unless they are set', () => {
  expect(readSettings({ ...valid, referenceId: 'subject' }).allowUnboundTokens).toBe(false);
  expect(readSettings({ ...valid, referenceId: 'subject', allowUnboundTokens: true }).allowUnboundTokens).toBe(true);
});

test('the legacy widget is called at the API’s base URL, without doubled slashes', () => {
  const settings = readSettings({ ...valid, widget: 'legacy', terraApiUrl: 'https://api.tryterra.co/v2/' });

  expect(settings.terraWidgetUrl).toBe('https://api.tryterra.co/v2/auth/generateWidgetSession');
});

test('the three required settings are named together, with an example', () => {
  expect(problems({})).toMatch(
    /^These settings are required: terraConnect\.issuer, terraConnect\.audience, terraConnect\.returnTargets\. /,
  );
  expect(problems({})).toContain('"issuer": "https://login.example.com/"');
  expect(problems({ ...valid, audience: undefined })).toMatch(
    /^These settings are required: terraConnect\.audience\. /,
  );
});

test('all problems are reported together', () => {
  const told = problems({
    issuer: 'http://login.example.com',
    audience: [],
    stages: 'x',
    domain: {},
    publicUrl: 'nowhere',
  });

  for (const name of [
    'issuer',
    'audience',
    'stages',
    'domain.name',
    'domain.certificateArn',
    'publicUrl',
    'returnTargets',
  ]) {
    expect(told).toContain(`terraConnect.${name}`);
  }
});

const target = 'must be an https URL or an app\'s custom scheme, for example "https://app.example.com/connected"';
const issuer = "issuer must be the issuer of your users' tokens: an https URL without query or fragment";
const origin = 'allowedOrigins[0] must be an exact https origin, for example "https://app.example.com"';
const appName = 'must be a name of 1 to 40 characters without control characters';
const colour = 'must be a colour as #rrggbb, for example "#1f6f54"';
const names =
  'must have names of lower-case letters, digits and hyphens that begin with a letter, at most 64 characters';

const wrong: [Record<string, unknown>, string][] = [
  [{ issuer: 'http://login.example.com' }, issuer],
  [{ issuer: 'https://user@login.example.com' }, issuer],
  [{ issuer: 'https://login.example.com?' }, issuer],
  [{ issuer: 7 }, issuer],
  [{ audience: [] }, 'audience must be a list with at least one audience'],
  [{ audience: 'my-app' }, 'audience must be a list with at least one audience'],
  [{ audience: ['my-app', ''] }, 'audience[1] must be a non-empty string'],
  [{ scope: 'read write' }, 'scope must be one OAuth scope: visible characters without spaces'],
  [{ ownerNamespace: '' }, 'ownerNamespace must be a text of 1 to 255 bytes'],
  [{ ownerNamespace: 'é'.repeat(128) }, 'ownerNamespace must be a text of 1 to 255 bytes'],
  [{ returnTargets: 'https://app.example.com' }, 'returnTargets must be an object of names and URLs'],
  [{ returnTargets: {} }, 'returnTargets must name at least one return target'],
  [{ returnTargets: { Web: 'https://app.example.com' } }, `returnTargets ${names}`],
  [{ returnTargets: { web: 'http://app.example.com' } }, `returnTargets.web ${target}`],
  [{ returnTargets: { web: 'https://app.example.com@evil.example/' } }, `returnTargets.web ${target}`],
  [{ returnTargets: { web: 'https:\\\\app.example.com' } }, `returnTargets.web ${target}`],
  [{ returnTargets: { web: ' https://app.example.com' } }, `returnTargets.web ${target}`],
  [{ returnTargets: { web: 'https:app.example.com' } }, `returnTargets.web ${target}`],
  [{ returnTargets: { web: 'javascript:/alert(1)' } }, `returnTargets.web ${target}`],
  [{ returnTargets: { web: 'JavaScript://%0aalert(1)' } }, `returnTargets.web ${target}`],
  [{ returnTargets: { web: 'data:/text/html,hi' } }, `returnTargets.web ${target}`],
  [{ returnTargets: { web: 'file:///etc/passwd' } }, `returnTargets.web ${target}`],
  [{ returnTargets: { web: '/connected' } }, `returnTargets.web ${target}`],
  [
    { returnTargets: { web: `https://app.example.com/${'a'.repeat(2500)}` } },
    "returnTargets must be at most 2500 bytes of JSON, because it is stored in a function's environment",
  ],
  [{ app: 'Stride' }, 'app must be an object with name and, optionally, accent and background'],
  [{ app: {} }, `app.name ${appName}`],
  [{ app: { name: '' } }, `app.name ${appName}`],
  [{ app: { name: '  ' } }, `app.name ${appName}`],
  [{ app: { name: 'x'.repeat(41) } }, `app.name ${appName}`],
  [{ app: { name: 'two\nlines' } }, `app.name ${appName}`],
  [{ app: { name: 'ppa\u202ekaerts' } }, `app.name ${appName}`],
  [{ app: { name: 'Stride', colour: '#1f6f54' } }, 'app.colour is not a setting: remove it or correct its name'],
  [{ app: { name: 'Stride', accent: 'green' } }, `app.accent ${colour}`],
  [{ app: { name: 'Stride', accent: '#1f6f5' } }, `app.accent ${colour}`],
  [{ app: { name: 'Stride', accent: '#1f6f54}' } }, `app.accent ${colour}`],
  [{ app: { name: 'Stride', accent: 7 } }, `app.accent ${colour}`],
  [{ app: { name: 'Stride', accent: 'green', background: '#ffffff' } }, `app.accent ${colour}`],
  [{ app: { name: 'Stride', background: '#fff' } }, `app.background ${colour}`],
  [
    { app: { name: 'Stride', accent: '#ffd166', background: '#ffffff' } },
    'app.accent must contrast more with app.background: the contrast is 1.4:1, a button needs 3:1',
  ],
  [
    { app: { name: 'Stride', accent: '#959595', background: '#ffffff' } },
    'app.accent must contrast more with app.background: the contrast is 2.9:1, a button needs 3:1',
  ],
  [{ allowedOrigins: ['*'] }, origin],
  [{ allowedOrigins: ['https://*.example.com'] }, origin],
  [{ allowedOrigins: ['https://app.example.com/'] }, origin],
  [{ allowedOrigins: ['http://app.example.com'] }, origin],
  [{ allowedOrigins: ['myapp://app'] }, origin],
  [{ referenceId: 'email' }, 'referenceId must be "opaque" or "subject"'],
  [{ allowUnboundTokens: 'yes' }, 'allowUnboundTokens must be true or false'],
  [{ confirmation: false }, 'confirmation must be "required" or "off"'],
  [{ confirmWithinMinutes: 0 }, 'confirmWithinMinutes must be a whole number of minutes from 1 to 1440'],
  [{ confirmWithinMinutes: 1.5 }, 'confirmWithinMinutes must be a whole number of minutes from 1 to 1440'],
  [{ limits: { sessions: 0 } }, 'limits.sessions must be a whole number from 1 to 1000'],
  [{ limits: { tokens: 5 } }, 'limits.tokens is not a setting: remove it or correct its name'],
  [{ limits: 5 }, 'limits must be an object with sessions and mints'],
  [{ dataEvents: 'keep' }, 'dataEvents must be "coalesce" or "ignore"'],
  [{ widget: 'new' }, 'widget must be "current" or "legacy"'],
  [
    { terraApiUrl: 'http://access.tryterra.co' },
    "terraApiUrl must be Terra's API: an https URL without query or fragment",
  ],
  [{ terraWidgetUrl: '' }, "terraWidgetUrl must be Terra's widget endpoint: an https URL without query or fragment"],
  [
    { publicUrl: 'connect.example.com' },
    'publicUrl must be the URL your proxy serves this API under: an https URL without query or fragment',
  ],
  [{ domain: 'connect.example.com' }, 'domain must be an object with name and certificateArn'],
  [
    { domain: { name: 'https://x.example.com', certificateArn: certificate() } },
    'domain.name must be a domain name in lower case, for example "connect.example.com"',
  ],
  [
    { domain: { name: 'x.example.com', certificateArn: 'my-cert' } },
    'domain.certificateArn must be the ARN of an ACM certificate',
  ],
  [
    { domain: { name: 'x.example.com', certificateArn: certificate() }, publicUrl: 'https://y.example.com' },
    'publicUrl must be left out if terraConnect.domain is set, because the API has one public URL',
  ],
  [{ encryption: 'none' }, 'encryption must be "aws" or "customer"'],
  [{ alarmEmail: 'ops' }, 'alarmEmail must be an e-mail address'],
  [{ stage: 'Prod' }, 'stage must be a name of lower-case letters, digits and hyphens, at most 20 characters'],
  [{ removal: 'keep' }, 'removal must be "retain" or "destroy"'],
  [{ issuers: 'x' }, 'issuers is not a setting: remove it or correct its name'],
];

test.each(wrong.map(([given, sentence]) => [sentence, given] as const))('terraConnect.%s', (sentence, given) => {
  expect(problems({ ...valid, ...given })).toBe(`terraConnect.${sentence}`);
});

test.each([
  { returnTargets: { web: 'http://localhost:4000/' } },
  { returnTargets: { app: 'myapp://connected', ios: 'com.example.app:/connected?tab=devices#top' } },
  { issuer: 'http://127.0.0.1:4002' },
  { allowedOrigins: ['http://localhost:4000', 'https://app.example.com:8443'] },
  { terraApiUrl: 'http://[::1]:4001/v2' },
  { publicUrl: 'https://example.com/connect' },
  { app: { name: '歩'.repeat(40) } },
  { app: { name: '👟'.repeat(40) } },
  { app: { name: 'Müller’s "Fit" <3', accent: '#ABCDEF' } },
  { app: { name: 'Stride', accent: '#949494', background: '#ffffff' } },
])('%j is accepted', right => {
  expect(() => readSettings({ ...valid, ...right })).not.toThrow();
});

test('only the function that shows pages gets the app’s name and colours', () => {
  const app = { name: 'Stride', accent: '#ffd166', background: '#1b2a41' };
  const toldIn = (settings: object) =>
    lambdas(templateWith(settings)).flatMap(([name, { Environment }]) => {
      const { APP_LOOK: look } = object(object(Environment)['Variables']);
      return typeof look === 'string' ? [[name, JSON.parse(look)]] : [];
    });

  expect(toldIn({ app })).toEqual([
    [
      'complete-callback',
      {
        name: 'Stride',
        accent: { color: '#ffd166', text: '#000000' },
        background: { color: '#1b2a41', text: '#ffffff' },
      },
    ],
  ]);
  expect(toldIn({ app: { name: 'Stride' } })).toEqual([['complete-callback', { name: 'Stride' }]]);
  expect(toldIn({})).toEqual([]);
});

test.each([[null], ['{}'], [[]]])('%j in place of settings is refused', given => {
  expect(problems(given)).toContain('terraConnect must be an object of settings');
});

function certificate(): string {
  return 'arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000';
}

function problems(given: unknown): string {
  try {
    readSettings(given);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  return '';
}
