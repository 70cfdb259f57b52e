import { createHash, createHmac } from 'node:crypto';
import { sign } from '../../../functions/core/terra/signature';
import { terraEvent } from '../../support/journey';
import { NOON, terraUser } from '../../support/world';
import type { Draw } from './draw';

export const SECRET = 'the-secret-in-use-now';
/** Was in use before, and no longer counts. */
export const RETIRED = 'the-secret-of-last-month';
const NOW = NOON / 1000;
const HEADER = 'x-terra-signature';
const TWIN = 'terra-signature';

export type Delivery = { headers: Record<string, string>; body: Buffer };

type Original = Delivery & { t: number; mac: string };

const mac = (text: string | Buffer, key: string | Buffer, algorithm = 'sha256') =>
  createHmac(algorithm, key).update(text).digest('hex');

const bodies = [
  terraEvent.auth(terraUser(1), { session: 'widget-1' }),
  terraEvent.deauth(terraUser(2), { referenceId: 'zoë-1' }),
  terraEvent.data(terraUser(3)),
  terraEvent.cancelled(null),
  { type: 'healthcheck', status: 'success' },
].map(event => Buffer.from(JSON.stringify(event)));

/** An authentic delivery, in one of the forms Terra may give it. */
export function original(draw: Draw): Original {
  const body = draw.chance(0.9) ? draw.pick(bodies) : Buffer.from(draw.hex(1 + draw.below(64)), 'latin1');
  const t = NOW - draw.below(26 * 3600 + 1) + draw.pick([0, 0, 0, Math.min(300, draw.below(301))]);
  const value = sign(body, SECRET, t);
  const forms = [
    { [HEADER]: value },
    { [TWIN]: value },
    { [HEADER]: value, [TWIN]: value },
    { [HEADER]: `${value},v1=${draw.hex(64)}` },
    { [HEADER]: `${value},v2=${draw.hex(10)}` },
    { [HEADER]: `v0=x,${value}` },
  ];
  return { headers: draw.pick(forms), body, t, mac: value.split('v1=')[1] ?? '' };
}

const withHeader = ({ body }: Original, value: string): Delivery => ({ headers: { [HEADER]: value }, body });
const withBody = ({ headers }: Original, body: Buffer): Delivery => ({ headers, body });
const signedWith = ({ body, t }: Original, digest: string): Delivery => ({
  headers: { [HEADER]: `t=${t},v1=${digest}` },
  body,
});
const splice = (text: string, at: number, more: string, skip = 0) => text.slice(0, at) + more + text.slice(at + skip);

function flipped(body: Buffer, draw: Draw): Buffer {
  const copy = Buffer.from(body);
  const at = draw.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << draw.below(8));
  return copy;
}

function otherDigit(hex: string, at: number, draw: Draw): string {
  const was = Number.parseInt(hex[at] ?? '0', 16);
  return splice(hex, at, ((was + 1 + draw.below(15)) % 16).toString(16), 1);
}

type Mutation = (original: Original, draw: Draw) => Delivery;

/** Every way to spoil a delivery that is tried, by name; each makes of an authentic one something Terra never sent. */
export const mutations: Record<string, Mutation> = {
  'no signature header': ({ body }) => ({ headers: {}, body }),
  'an empty header': it => withHeader(it, ''),
  'the header under another name': ({ body, t, mac: digest }, draw) => ({
    headers: {
      [draw.pick([
        'signature',
        'x-signature',
        'x-terra-signature-256',
        'stripe-signature',
        'X-TERRA',
      ])]: `t=${t},v1=${digest}`,
    },
    body,
  }),
  'no t': it => withHeader(it, `v1=${it.mac}`),
  't twice, the same': it => withHeader(it, `t=${it.t},t=${it.t},v1=${it.mac}`),
  't twice, one of them right': (it, draw) =>
    withHeader(it, draw.chance(0.5) ? `t=${it.t},t=${it.t - 1},v1=${it.mac}` : `t=${it.t + 1},v1=${it.mac},t=${it.t}`),
  't in another notation': (it, draw) => {
    const { t } = it;
    const notations = [
      `+${t}`,
      `-${t}`,
      `0${t}`,
      `${t}.0`,
      `${t}e0`,
      `${t}000`,
      `0x${t.toString(16)}`,
      `${t}n`,
      '',
      'NaN',
      `"${t}"`,
    ];
    const fullWidth = String(t).replace(/\d/g, digit => String.fromCharCode(0xff10 + Number(digit)));
    return withHeader(it, `t=${draw.pick([...notations, fullWidth])},v1=${it.mac}`);
  },
  'another t under the same signature': (it, draw) =>
    withHeader(it, `t=${it.t + draw.pick([-1, 1]) * (1 + draw.below(200))},v1=${it.mac}`),
  'signed more than 26 hours ago': ({ body }, draw) => ({
    headers: { [HEADER]: sign(body, SECRET, NOW - 26 * 3600 - 1 - draw.below(1_000_000)) },
    body,
  }),
  'signed more than five minutes ahead': ({ body }, draw) => ({
    headers: { [HEADER]: sign(body, SECRET, NOW + 301 + draw.below(1_000_000)) },
    body,
  }),
  'no v1': it => withHeader(it, `t=${it.t}`),
  'a v1 cut short': (it, draw) => withHeader(it, `t=${it.t},v1=${it.mac.slice(0, draw.below(64))}`),
  'a v1 with more digits': (it, draw) => withHeader(it, `t=${it.t},v1=${it.mac}${draw.hex(1 + draw.below(8))}`),
  'a v1 with one other digit': (it, draw) => withHeader(it, `t=${it.t},v1=${otherDigit(it.mac, draw.below(64), draw)}`),
  'a v1 that begins right': (it, draw) => {
    const kept = 8 + draw.below(55);
    return withHeader(it, `t=${it.t},v1=${otherDigit(it.mac, kept, draw).slice(0, kept + 1)}${draw.hex(63 - kept)}`);
  },
  'a v1 of zeros, or all ones': (it, draw) => withHeader(it, `t=${it.t},v1=${draw.pick(['0', 'f']).repeat(64)}`),
  'a v1 in capitals': it => withHeader(it, `t=${it.t},v1=${it.mac.toUpperCase().replace(/^(\d*)$/, 'A$1')}`),
  'a v1 in base64': it => withHeader(it, `t=${it.t},v1=${Buffer.from(it.mac, 'hex').toString('base64')}`),
  'the signature under another scheme': (it, draw) =>
    withHeader(it, `t=${it.t},${draw.pick(['v0', 'v2', 'v10', 'v11', 'V1', 'v01', 'v', 'v1a', ' v1'])}=${it.mac}`),
  'more than four v1, one of them right': (it, draw) => {
    const macs = Array.from({ length: 4 + draw.below(2) }, () => draw.hex(64));
    const all = [...macs, it.mac].map(each => `,v1=${each}`).join('');
    return withHeader(it, `t=${it.t}${all}`);
  },
  'four v1, none of them right': (it, draw) =>
    withHeader(it, `t=${it.t}${Array.from({ length: 4 }, () => `,v1=${draw.hex(64)}`).join('')}`),
  'an element nobody knows': (it, draw) =>
    withHeader(
      it,
      `t=${it.t},v1=${it.mac},${draw.pick(['x=1', 'alg=none', 's=', '=', 'v2', 'v1=', '__proto__=1', 'T=1', 'v1000=1'])}`,
    ),
  'an empty element': (it, draw) =>
    withHeader(it, draw.pick([`,t=${it.t},v1=${it.mac}`, `t=${it.t},,v1=${it.mac}`, `t=${it.t},v1=${it.mac},`])),
  'white space within': (it, draw) => {
    const value = `t=${it.t},v1=${it.mac}`;
    return withHeader(
      it,
      splice(value, draw.below(value.length + 1), draw.pick([' ', '\t', '\n', '\r\n', '\u00a0', '\u2028'])),
    );
  },
  'another separator': (it, draw) =>
    withHeader(it, `t=${it.t}${draw.pick([';', ', ', '&', '|', '\n', '，', '%2C', ''])}v1=${it.mac}`),
  'a character that is no ASCII, or none to print': (it, draw) => {
    const value = `t=${it.t},v1=${it.mac}`;
    return withHeader(it, splice(value, draw.below(value.length + 1), draw.pick(['\0', '\u007f', 'é', '\ud800', '​'])));
  },
  'more than 512 bytes': (it, draw) =>
    withHeader(it, `t=${it.t},v1=${it.mac},v2=${'x'.repeat(440 + draw.below(4000))}`),
  'twin headers that differ': (it, draw) => {
    const right = `t=${it.t},v1=${it.mac}`;
    const wrong = draw.pick([
      `t=${it.t},v1=${draw.hex(64)}`,
      `t=${it.t - 1},v1=${it.mac}`,
      '',
      `${right},v1=${draw.hex(64)}`,
    ]);
    const headers = draw.chance(0.5) ? { [HEADER]: right, [TWIN]: wrong } : { [HEADER]: wrong, [TWIN]: right };
    return { headers, body: it.body };
  },
  'a header that came twice, joined by the gateway': (it, draw) => {
    const right = `t=${it.t},v1=${it.mac}`;
    const other = draw.pick([right, `t=${it.t},v1=${draw.hex(64)}`, 'x']);
    return withHeader(it, draw.chance(0.5) ? `${right},${other}` : `${other},${right}`);
  },
  'a bit flipped in the body': (it, draw) => withBody(it, flipped(it.body, draw)),
  'a byte more at the end': (it, draw) => withBody(it, Buffer.concat([it.body, Buffer.of(draw.below(256))])),
  'a byte more at the start': (it, draw) => withBody(it, Buffer.concat([Buffer.of(draw.below(256)), it.body])),
  'a byte order mark before it': it => withBody(it, Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), it.body])),
  'a byte less': (it, draw) => {
    const at = draw.below(it.body.length);
    return withBody(it, Buffer.concat([it.body.subarray(0, at), it.body.subarray(at + 1)]));
  },
  'the body cut off': (it, draw) => withBody(it, it.body.subarray(0, draw.below(it.body.length))),
  'the body twice': it => withBody(it, Buffer.concat([it.body, it.body])),
  'no body, truly signed': ({ t }) => ({ headers: { [HEADER]: sign('', SECRET, t) }, body: Buffer.alloc(0) }),
  'the same JSON in other bytes': it => withBody(it, Buffer.from(` ${it.body.toString('latin1')}`, 'latin1')),
  'the body as base64': it => withBody(it, Buffer.from(it.body.toString('base64'))),
  'the body of another delivery': (it, draw) => {
    const others = bodies.filter(body => !body.equals(it.body));
    return withBody(it, draw.pick(others));
  },
  'a field of the body told otherwise': it =>
    withBody(it, Buffer.from(`{"type":"deauth",${it.body.toString('latin1').slice(1)}`, 'latin1')),
  'signed with another secret': (it, draw) =>
    signedWith(it, mac(`${it.t}.${it.body.toString('latin1')}`, draw.hex(32))),
  'signed with a retired secret': ({ body, t }) => ({ headers: { [HEADER]: sign(body, RETIRED, t) }, body }),
  'signed with something near the secret': ({ body, t }, draw) => {
    const near = draw.pick([
      '',
      ' ',
      `${SECRET}\n`,
      ` ${SECRET}`,
      SECRET.toUpperCase(),
      SECRET.slice(1),
      'undefined',
      'null',
      '{}',
    ]);
    return { headers: { [HEADER]: sign(body, near, t) }, body };
  },
  'signed over something else': (it, draw) => {
    const { t } = it;
    const text = it.body;
    const wrongs = [
      text,
      Buffer.concat([Buffer.from(`${t}`), text]),
      Buffer.concat([Buffer.from(`${t}:`), text]),
      Buffer.concat([text, Buffer.from(`.${t}`)]),
      Buffer.concat([Buffer.from(`${t}000.`), text]),
      Buffer.concat([Buffer.from(`t=${t}.`), text]),
    ];
    return signedWith(it, mac(draw.pick(wrongs), SECRET));
  },
  'signed in another way': (it, draw) => {
    const text = Buffer.concat([Buffer.from(`${it.t}.`), it.body]);
    const ways = [
      createHash('sha256').update(text).digest('hex'),
      createHash('sha256').update(SECRET).update(text).digest('hex'),
      mac(text, SECRET, 'sha1').padEnd(64, '0'),
      mac(text, SECRET, 'sha512').slice(0, 64),
      mac(SECRET, text),
      mac(text, Buffer.from(SECRET, 'base64')),
    ];
    return signedWith(it, draw.pick(ways));
  },
};
