import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose';
import { parseObject } from '../aws/aws-call';
import { closeServer, cutOnFailure, type HeldPort, listen, readBody } from '../loopback';

export type Issuer = {
  readonly url: string;
  /**
   * Returns an access token for this user. `claims` override the default claims; a claim set to undefined is left out.
   */
  token(username: string, claims?: JWTPayload): Promise<string>;
  close(): Promise<void>;
};

const TOKEN_LIFE_SECONDS = 3600;

/** Starts an OIDC issuer for development. `POST /token` issues a token for any user name, without a password. */
export async function startIssuer(options: {
  port: HeldPort | number;
  audience: string;
  /** The `scope` claim of tokens whose request names none. */
  scope?: string | undefined;
  /** Directory that keeps the signing key between runs. */
  dataDir?: string | undefined;
}): Promise<Issuer> {
  const { port, audience, scope, dataDir } = options;
  const { privateKey, publicJwk } = await signingKey(dataDir);
  const url = `http://localhost:${typeof port === 'number' ? port : port.port}`;

  const token = (username: string, claims: JWTPayload = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const usual = {
      iss: url,
      sub: username,
      aud: audience,
      iat: now,
      exp: now + TOKEN_LIFE_SECONDS,
      jti: randomUUID(),
    };
    return new SignJWT({ ...usual, ...(scope !== undefined && { scope }), ...claims })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: publicJwk.kid ?? '' })
      .sign(privateKey);
  };

  async function grant(request: IncomingMessage): Promise<[status: number, body: object]> {
    const form = await formOrJson(request);
    const username = form.username ?? '';
    if (form.grant_type !== 'password') {
      return [400, { error: 'unsupported_grant_type', error_description: 'Only grant_type=password is supported' }];
    }
    if (username === '')
      return [400, { error: 'invalid_request', error_description: 'username must be a non-empty string' }];
    const accessToken = await token(username, form.scope === undefined ? {} : { scope: form.scope });
    return [200, { access_token: accessToken, token_type: 'Bearer', expires_in: TOKEN_LIFE_SECONDS }];
  }

  const documents: Record<string, object> = {
    '/.well-known/openid-configuration': {
      issuer: url,
      jwks_uri: `${url}/jwks`,
      token_endpoint: `${url}/token`,
      grant_types_supported: ['password'],
      response_types_supported: ['token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    },
    '/jwks': { keys: [publicJwk] },
  };

  const server = createServer(
    cutOnFailure(async (request, response) => {
      const path = (request.url ?? '').split('?')[0] ?? '';
      if (request.method === 'OPTIONS') return send(response, 204);
      if (request.method === 'POST' && path === '/token') return send(response, ...(await grant(request)));
      const document = Object.hasOwn(documents, path) ? documents[path] : undefined;
      if (request.method === 'GET' && document) return send(response, 200, document);
      send(response, 404, { error: 'not_found' });
    }),
  );
  await listen(server, port);

  return {
    url,
    token,
    close: () => closeServer(server),
  };
}

async function signingKey(dataDir: string | undefined): Promise<{ privateKey: CryptoKey; publicJwk: JWK }> {
  const file = dataDir === undefined ? undefined : join(dataDir, 'issuer-key.json');
  const jwk = file && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as JWK) : await newKey();
  if (file) writeFileSync(file, JSON.stringify(jwk), { mode: 0o600 });
  const { kty, n, e } = jwk;
  const publicJwk = { kty, n, e, kid: await calculateJwkThumbprint(jwk), alg: 'RS256', use: 'sig' } as JWK;
  return { privateKey: (await importJWK(jwk, 'RS256')) as CryptoKey, publicJwk };
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return exportJWK(privateKey);
}

async function formOrJson(request: IncomingMessage): Promise<Partial<Record<string, string>>> {
  const text = (await readBody(request)).toString();
  const isJson = request.headers['content-type']?.includes('json') ?? false;
  const fields = isJson ? (parseObject(text) ?? {}) : Object.fromEntries(new URLSearchParams(text));
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => typeof field[1] === 'string'),
  );
}

/** CORS is open to every origin, because the demo page is served on another port. */
function send(response: ServerResponse, status: number, body?: object): void {
  response.writeHead(status, {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': 'authorization, content-type',
    'access-control-allow-methods': 'GET, POST',
    'cache-control': 'no-store',
    ...(body && { 'content-type': 'application/json' }),
  });
  response.end(body && JSON.stringify(body));
}
