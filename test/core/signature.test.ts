import { readSignature, sign, verifySignature } from '../../functions/core/terra/signature';

const SECRET = 'terra_test_secret';
const NOW = 1_764_000_000;
const BODY = Buffer.from('{"type":"healthcheck"}');
const MAC = 'a'.repeat(64);
const header = (value: string) => ({ 'x-terra-signature': value });

test.each([
  [
    1_723_808_700,
    '{"type":"healthcheck","status":"success"}',
    '85dcefd01e47386e0a77c085c7644ff69b9b5b45c512c3a0b00855be09d30c23',
  ],
  [
    1_764_000_000,
    '{"type":"deauth","status":"success","message":"User has deauthenticated","user":{"user_id":"40f7b0e1-89e2-43ac-a5b8-1e29c8d47cad","provider":"GARMIN","reference_id":"zoë-1"}}',
    '2a1889f59156029118c995bfcdc10430b3237d7a479f537a43dd9c76ed018c25',
  ],
])('the test vector of %d is accepted', (at, body, mac) => {
  expect(sign(body, SECRET, at)).toBe(`t=${at},v1=${mac}`);
  const read = readSignature(header(`t=${at},v1=${mac}`), at);
  expect(read.ok && verifySignature(read.claim, Buffer.from(body), [SECRET])).toBe(true);
});

describe('a signature header', () => {
  test.each([
    ['current', { 'x-terra-signature': `t=${NOW},v1=${MAC}` }],
    ['deprecated', { 'terra-signature': `t=${NOW},v1=${MAC}` }],
    ['both, equal', { 'x-terra-signature': `t=${NOW},v1=${MAC}`, 'terra-signature': `t=${NOW},v1=${MAC}` }],
    ['with four v1', header(`t=${NOW},v1=${MAC},v1=${MAC},v1=${MAC},v1=${MAC}`)],
    ['with another scheme beside', header(`t=${NOW},v1=${MAC},v2=whatever`)],
    ['at the newest edge', header(`t=${NOW + 300},v1=${MAC}`)],
    ['at the oldest edge', header(`t=${NOW - 26 * 3600},v1=${MAC}`)],
  ])('is parsed: %s', (_what, headers) => {
    expect(readSignature(headers, NOW)).toMatchObject({ ok: true });
  });

  test.each<[string, Record<string, string>, string]>([
    ['missing', {}, 'missing'],
    ['empty', header(''), 'malformed'],
    [
      'differing twins',
      { 'x-terra-signature': `t=${NOW},v1=${MAC}`, 'terra-signature': `t=${NOW - 1},v1=${MAC}` },
      'differing',
    ],
    ['without t', header(`v1=${MAC}`), 'malformed'],
    ['with two t', header(`t=${NOW},t=${NOW},v1=${MAC}`), 'malformed'],
    ['without v1', header(`t=${NOW}`), 'malformed'],
    ['with only another scheme', header(`t=${NOW},v2=${MAC}`), 'malformed'],
    ['with five v1', header(`t=${NOW}${`,v1=${MAC}`.repeat(5)}`), 'malformed'],
    ['with upper-case hex', header(`t=${NOW},v1=${MAC.toUpperCase()}`), 'malformed'],
    ['with a short mac', header(`t=${NOW},v1=${MAC.slice(1)}`), 'malformed'],
    ['with a long mac', header(`t=${NOW},v1=${MAC}a`), 'malformed'],
    ['with spaces', header(`t=${NOW}, v1=${MAC}`), 'malformed'],
    ['with a semicolon', header(`t=${NOW};v1=${MAC}`), 'malformed'],
    ['with an unknown element', header(`t=${NOW},v1=${MAC},x=1`), 'malformed'],
    ['with a trailing comma', header(`t=${NOW},v1=${MAC},`), 'malformed'],
    ['with milliseconds', header(`t=${NOW}000,v1=${MAC}`), 'malformed'],
    ['with a signed time', header(`t=+${NOW},v1=${MAC}`), 'malformed'],
    ['with hexadecimal time', header(`t=0x69243e80,v1=${MAC}`), 'malformed'],
    ['over 512 bytes', header(`t=${NOW},v1=${MAC},v9=${'x'.repeat(440)}`), 'malformed'],
    ['a second too new', header(`t=${NOW + 301},v1=${MAC}`), 'too_new'],
    ['a second too old', header(`t=${NOW - 26 * 3600 - 1},v1=${MAC}`), 'too_old'],
  ])('is refused: %s', (_what, headers, reason) => {
    expect(readSignature(headers, NOW)).toEqual({ ok: false, reason });
  });
});

describe('a body', () => {
  const claim = (secret = SECRET, body: Uint8Array = BODY) => {
    const read = readSignature(header(sign(body, secret, NOW)), NOW);
    if (!read.ok) throw new Error(read.reason);
    return read.claim;
  };

  test('is accepted with the bytes that were signed', () => {
    expect(verifySignature(claim(), BODY, [SECRET])).toBe(true);
  });

  test('that is not text is accepted with the bytes that were signed', () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0x80]);
    expect(verifySignature(claim(SECRET, bytes), bytes, [SECRET])).toBe(true);
  });

  test.each([
    ['one bit off', Buffer.from(BODY.map((byte, index) => (index === 3 ? byte ^ 1 : byte)))],
    ['a byte longer', Buffer.concat([BODY, Buffer.from(' ')])],
    ['a byte shorter', BODY.subarray(1)],
    ['empty', Buffer.alloc(0)],
  ])('is refused: %s', (_what, body) => {
    expect(verifySignature(claim(), body, [SECRET])).toBe(false);
  });

  test('signed with either of two valid secrets is accepted, with any other refused', () => {
    expect(verifySignature(claim('previous'), BODY, [SECRET, 'previous'])).toBe(true);
    expect(verifySignature(claim('other'), BODY, [SECRET, 'previous'])).toBe(false);
    expect(verifySignature(claim(), BODY, [])).toBe(false);
  });

  test('with several signatures needs only one valid signature', () => {
    const good = claim();
    expect(verifySignature({ ...good, macs: [Buffer.alloc(32), ...good.macs] }, BODY, [SECRET])).toBe(true);
  });
});
