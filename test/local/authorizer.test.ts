import { createServer } from 'node:http';
import {
  CompactSign,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importPKCS8,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose';
import type { JwtRule } from '../../local/aws/apigateway/api';
import { jwtAuthorizer, type Verdict } from '../../local/aws/apigateway/authorizer';
import { closeServer, listen } from '../../local/loopback';

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

const NOON = Date.UTC(2026, 10, 22, 12);
const now = NOON / 1000;

let keys: Keys;
let strangers: Keys;
let curve: Keys;
let issuer: string;
let asked: string[];
let server: ReturnType<typeof createServer>;

beforeAll(async () => {
  [keys, strangers, curve] = await Promise.all([
    generateKeyPair('RS256', { extractable: true }),
    generateKeyPair('RS256', { extractable: true }),
    generateKeyPair('ES256', { extractable: true }),
  ]);
  const published = [
    { ...(await exportJWK(keys.publicKey)), kid: 'one', use: 'sig' },
    { ...(await exportJWK(curve.publicKey)), kid: 'curve', use: 'sig' },
  ];
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const discovery = { issuer, jwks_uri: `${issuer}/keys` };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.url === '/keys' ? { keys: published } : discovery));
  });
  issuer = `http://127.0.0.1:${await listen(server)}`;
});

afterAll(() => closeServer(server));

const authorize = jwtAuthorizer(() => NOON);
const rule = (scopes: string[] = []): JwtRule => ({ issuer, audience: ['app', 'other-app'], scopes });

const good = (): JWTPayload => ({ iss: issuer, sub: 'alice', aud: 'app', iat: now - 10, exp: now + 60 });

const sign = (claims: JWTPayload, header: object = {}, by = keys) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'one', ...header }).sign(by.privateKey);

const judge = async (claims: JWTPayload, scopes: string[] = []): Promise<Verdict> =>
  authorize(`Bearer ${await sign(claims)}`, rule(scopes));

test('a good token passes, its claims rendered as the gateway renders them', async () => {
  const verdict = await judge({
    ...good(),
    email_verified: true,
    groups: ['a', 'b'],
    nested: { b: 1, a: ['x'] },
    nothing: null,
  });

  expect(verdict).toEqual({
    ok: true,
    scopes: null,
    claims: {
      iss: issuer,
      sub: 'alice',
      aud: 'app',
      iat: `${now - 10}`,
      exp: `${now + 60}`,
      email_verified: 'true',
      groups: '[a b]',
      nested: 'map[a:[x] b:1]',
      nothing: '<nil>',
    },
  });
});

test.each<[unknown, string]>([
  [null, '<nil>'],
  [7, '7'],
  [true, 'true'],
  [[], '[]'],
  [['a', 'b'], '[a b]'],
  [['a b'], '[a b]'],
  [[null, [1]], '[<nil> [1]]'],
  [{}, 'map[]'],
  [{ b: 1, a: null }, 'map[a:<nil> b:1]'],
])('a token with the sub %j passes, as the text %s', async (sub, text) => {
  expect(await judge({ ...good(), sub } as JWTPayload)).toMatchObject({ ok: true, claims: { sub: text } });
});

test('of two subs in one token the last one counts', async () => {
  const payload = JSON.stringify(good()).replace('"sub":"alice"', '"sub":"alice","sub":"bob"');
  const signed = new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg: 'RS256', kid: 'one' });

  expect(await authorize(await signed.sign(keys.privateKey), rule())).toMatchObject({ claims: { sub: 'bob' } });
});

test.each([
  ['audience in a list', { aud: ['elsewhere', 'other-app'] }],
  ['client_id where there is no audience', { aud: undefined, client_id: 'app' }],
  ['nbf in the past', { nbf: now - 1 }],
  ['no iat', { iat: undefined }],
])('a token passes with %s', async (_, claims) => {
  expect(await judge({ ...good(), ...claims } as JWTPayload)).toMatchObject({ ok: true });
});

test.each(['RS384', 'RS512'])('%s signatures pass', async alg => {
  expect(await authorize(`Bearer ${await signAs(alg)}`, rule())).toMatchObject({ ok: true });
});

test.each([
  ['expired', { exp: now - 1 }],
  ['expiring this second', { exp: now }],
  ['without exp', { exp: undefined }],
  ['not valid yet', { nbf: now + 60 }],
  ['issued in the future', { iat: now + 60 }],
  ['of another issuer', { iss: 'https://elsewhere.example.com' }],
  ['of the issuer with a slash', { iss: 'with-slash' }],
  ['without issuer', { iss: undefined }],
  ['for another audience', { aud: 'elsewhere' }],
  ['for no audience', { aud: undefined }],
  ['for another audience with our client_id', { aud: 'elsewhere', client_id: 'app' }],
])('a token %s is refused', async (_, claims) => {
  const broken = { ...good(), ...claims } as JWTPayload;
  if (broken.iss === 'with-slash') broken.iss = `${issuer}/`;

  expect(await judge(broken)).toEqual({
    ok: false,
    status: 401,
    wwwAuthenticate: expect.stringMatching(/^Bearer scope="" error="invalid_token" error_description="[^"]+"$/),
  });
});

test.each([
  ['signed by a stranger', () => sign(good(), {}, strangers)],
  ['with an unknown key id', () => sign(good(), { kid: 'two' })],
  ['without a key id', () => sign(good(), { kid: undefined })],
  ['without a signature', async () => new UnsecuredJWT(good()).encode()],
  ['whose payload was exchanged', async () => exchangedPayload(await sign(good()))],
  ['cut short', async () => (await sign(good())).slice(0, -8)],
  ['signed with the public key as an HMAC secret', () => hmacWithPublicKey()],
  ['of the issuer’s key, in PSS padding', () => signAs('PS256')],
  ['of the issuer’s elliptic curve', () => sign(good(), { alg: 'ES256', kid: 'curve' }, curve)],
  ['that is no token', async () => 'not-a-token'],
  ['that is empty', async () => ''],
])('a token %s is refused', async (_, make) => {
  expect(await authorize(`Bearer ${await make()}`, rule())).toMatchObject({ ok: false, status: 401 });
});

test('a request without the header is refused without a reason', async () => {
  expect(await authorize(undefined, rule())).toEqual({ ok: false, status: 401, wwwAuthenticate: 'Bearer' });
});

test('the token is accepted without `Bearer`', async () => {
  expect(await authorize(await sign(good()), rule())).toMatchObject({ ok: true });
});

test.each([
  ['a scope among others', { scope: 'openid connect:write' }, { ok: true, scopes: ['connect:write'] }],
  ['a scope in scp', { scp: ['connect:write'] }, { ok: true, scopes: ['connect:write'] }],
  ['one of two that would do', { scope: 'connect:admin' }, { ok: true, scopes: ['connect:admin'] }],
  ['no scope', {}, { ok: false, status: 403 }],
  ['another scope', { scope: 'connect:writes' }, { ok: false, status: 403 }],
])('on a route that requires scopes, %s', async (_, claims, expected) => {
  expect(await judge({ ...good(), ...claims }, ['connect:write', 'connect:admin'])).toMatchObject(expected);
});

test('the keys are fetched once for many tokens, even simultaneous ones', async () => {
  asked.length = 0;
  const fresh = jwtAuthorizer(() => NOON);
  const token = await sign(good());

  await Promise.all(Array.from({ length: 10 }, () => fresh(token, rule())));
  await fresh(token, rule());

  expect(asked.toSorted()).toEqual(['/.well-known/openid-configuration', '/keys']);
});

test('with an unreachable issuer tokens are refused, and the issuer is asked again next time', async () => {
  const fresh = jwtAuthorizer(() => NOON);
  const token = await sign(good());
  const port = Number(new URL(issuer).port);
  await closeServer(server);

  const unreached = await fresh(token, rule());
  await listen(server, port);

  expect(unreached).toMatchObject({ ok: false, status: 401 });
  expect(await fresh(token, rule())).toMatchObject({ ok: true });
});

/** A good token by the issuer's own key under another algorithm. */
async function signAs(alg: string): Promise<string> {
  const bytes = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = await importPKCS8(`-----BEGIN PRIVATE KEY-----\n${bytes}\n-----END PRIVATE KEY-----`, alg);
  return new SignJWT(good()).setProtectedHeader({ alg, kid: 'one' }).sign(key);
}

async function hmacWithPublicKey(): Promise<string> {
  const secret = new TextEncoder().encode(await exportSPKI(keys.publicKey));
  return new SignJWT(good()).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(secret);
}

function exchangedPayload(token: string): string {
  const [header, , signature] = token.split('.');
  const payload = Buffer.from(JSON.stringify({ ...good(), sub: 'mallory' })).toString('base64url');
  return `${header}.${payload}.${signature}`;
}
