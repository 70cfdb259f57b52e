import { claimsAsText } from '../../local/aws/apigateway/authorizer';

/** The signature of every token made here: no function verifies it. */
export const SIGNATURE = 'c4n4ry-signature-of-a-token';

/** Returns a JWT with this payload, or with this JSON text as its payload. */
export const tokenOf = (payload: unknown): string => tokenWith(Buffer.from(jsonOf(payload)));

/** Returns a JWT whose payload is these bytes. */
export const tokenWith = (payload: Uint8Array): string =>
  ['{"alg":"RS256","kid":"one"}', payload]
    .map(part => Buffer.from(part).toString('base64url'))
    .concat(SIGNATURE)
    .join('.');

/** What API Gateway adds to the event of a request with a token of this payload. */
export const authorizerOf = (payload: Readonly<Record<string, unknown>>) => ({
  jwt: { claims: claimsAsText(JSON.parse(jsonOf(payload))), scopes: null },
});

const jsonOf = (payload: unknown): string => (typeof payload === 'string' ? payload : JSON.stringify(payload));
