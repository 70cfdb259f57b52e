import { createHmac, timingSafeEqual } from 'node:crypto';

/** Terra's current header and its older name with the same value. API Gateway passes header names in lower case. */
export const signatureHeaders = ['x-terra-signature', 'terra-signature'] as const;

/** How far a signed time can be ahead of this function's clock. */
export const SIGNATURE_AHEAD_SECONDS = 300;

/** How old a signed time can be: Terra retries for a little more than a day. */
export const SIGNATURE_BEHIND_SECONDS = 26 * 3600;

const HEADER_LIMIT_BYTES = 512;
const MAC_LIMIT = 4;

/** A parsed signature header whose MACs are not verified yet. */
export type SignatureClaim = { signedAtSeconds: number; macs: Buffer[] };

/** The claim, or why there is none. The reason is only logged; the sender always gets the same 401. */
export type ReadSignature =
  | { ok: true; claim: SignatureClaim }
  | { ok: false; reason: 'missing' | 'malformed' | 'differing' | 'too_old' | 'too_new' };

/**
 * Signs `body` as Terra does: `t=<unix seconds>,v1=<hex>` with HMAC-SHA256 over `<t>.<raw body>`.
 * Source: docs.tryterra.co/reference/signing.
 */
export function sign(body: Uint8Array | string, secret: string, atSeconds: number): string {
  return `t=${atSeconds},v1=${mac(body, secret, atSeconds).toString('hex')}`;
}

/**
 * Reads the signature headers of a delivery (lower-case names) and checks their form and time, before any secret is fetched.
 * Accepts exactly one `t`, one to four `v1` of 64 lower-case hex digits, and other `v<n>` schemes, which it ignores.
 */
export function readSignature(
  headers: Readonly<Record<string, string | undefined>>,
  nowSeconds: number,
): ReadSignature {
  const present = signatureHeaders.map(name => headers[name]).filter(value => value !== undefined);
  const [header, twin] = present;
  if (header === undefined) return { ok: false, reason: 'missing' };
  if (twin !== undefined && twin !== header) return { ok: false, reason: 'differing' };

  const claim = parse(header);
  if (!claim) return { ok: false, reason: 'malformed' };
  if (claim.signedAtSeconds > nowSeconds + SIGNATURE_AHEAD_SECONDS) return { ok: false, reason: 'too_new' };
  if (claim.signedAtSeconds < nowSeconds - SIGNATURE_BEHIND_SECONDS) return { ok: false, reason: 'too_old' };
  return { ok: true, claim };
}

/** Returns whether one of the claim's MACs over the raw body was made with one of these secrets. Compares in constant time. */
export function verifySignature(claim: SignatureClaim, rawBody: Uint8Array, secrets: readonly string[]): boolean {
  const expected = secrets.map(secret => mac(rawBody, secret, claim.signedAtSeconds));
  const matches = claim.macs.filter(given => expected.some(ours => timingSafeEqual(ours, given)));
  return matches.length > 0;
}

function parse(header: string): SignatureClaim | undefined {
  if (Buffer.byteLength(header) > HEADER_LIMIT_BYTES) return undefined;
  const times: number[] = [];
  const macs: Buffer[] = [];
  for (const element of header.split(',')) {
    const [, scheme, value] = /^(t|v(?:0|[1-9]\d{0,2}))=([\x21-\x2b\x2d-\x7e]+)$/.exec(element) ?? [];
    if (scheme === undefined || value === undefined) return undefined;
    if (scheme === 't') {
      if (!/^[1-9]\d{9}$/.test(value)) return undefined;
      times.push(Number(value));
    } else if (scheme === 'v1') {
      if (!/^[0-9a-f]{64}$/.test(value)) return undefined;
      macs.push(Buffer.from(value, 'hex'));
    }
  }
  const [signedAtSeconds] = times;
  if (signedAtSeconds === undefined || times.length > 1 || macs.length === 0 || macs.length > MAC_LIMIT)
    return undefined;
  return { signedAtSeconds, macs };
}

function mac(body: Uint8Array | string, secret: string, atSeconds: number): Buffer {
  return createHmac('sha256', secret).update(`${atSeconds}.`).update(body).digest();
}
