import type { Scenario } from './knobs';

const skillHeaders = 'Agent skills: webhooks-verify-raw-body; the docs know only the deprecated name';

/** Faults of webhook deliveries. */
export const deliveryScenarios = [
  {
    name: 'lost-webhook',
    imitates: 'The event is never delivered.',
    source: 'Docs: data-destinations/webhooks (retries end, then an event is gone)',
    changes: { lose: true },
  },
  {
    name: 'duplicate',
    imitates: 'The event arrives twice, with the same trace id.',
    source: 'OpenAPI v2, webhook activity: at least once',
    changes: { copies: 2 },
  },
  {
    name: 'late-webhook',
    imitates: 'The event is sent two minutes late.',
    source: 'Agent skills: no delivery time is promised',
    changes: { delaySeconds: 120 },
  },
  {
    name: 'a-day-late',
    imitates: 'The event is sent 25 hours late.',
    source: 'FAQ: retry-policy-and-redelivery (a little over 24 h)',
    changes: { delaySeconds: 25 * 3600 },
  },
  {
    name: 'out-of-order',
    imitates: 'Events overtake each other: each one is held until the next was delivered.',
    source: 'Agent skills: data-superset-overwrite (no order is promised)',
    changes: { holdUntilNext: true },
  },
  {
    name: 'original-timestamp',
    imitates: 'Retries keep the signature of the first attempt.',
    source: 'not documented; by default every attempt is signed again',
    changes: { signTime: 'original' },
  },
  {
    name: 'other-secret',
    imitates: 'Deliveries are signed with another secret, as after a destination was recreated.',
    source: 'Agent skills: local-development (a new destination has a new secret)',
    changes: { signature: 'other_secret' },
  },
  {
    name: 'two-signatures',
    imitates: 'The header has two v1 signatures, and only the second is valid.',
    source: 'Docs: data-destinations/webhooks (possibly several v1)',
    changes: { signature: 'with_other_secret' },
  },
  {
    name: 'tampered',
    imitates: 'The body was changed after signing.',
    source: 'not Terra: what a forger sends',
    changes: { signature: 'tampered' },
  },
  {
    name: 'unsigned',
    imitates: 'The signature headers are missing.',
    source: 'not Terra: what a forger sends',
    changes: { signature: 'missing' },
  },
  {
    name: 'replayed',
    imitates: 'The signature is valid but a week old.',
    source: 'not Terra: what a replayer sends',
    changes: { signature: 'a_week_old' },
  },
  {
    name: 'current-header-only',
    imitates: 'Only X-Terra-Signature is sent.',
    source: skillHeaders,
    changes: { signatureHeaders: 'current' },
  },
  {
    name: 'deprecated-header-only',
    imitates: 'Only terra-signature is sent.',
    source: skillHeaders,
    changes: { signatureHeaders: 'deprecated' },
  },
  {
    name: 'without-ordering-timestamp',
    imitates: 'X-Terra-Ordering-Timestamp is missing.',
    source: 'Agent skills: data-superset-overwrite (may be absent)',
    changes: { orderingHeader: 'absent' },
  },
  {
    name: 'retries-faq',
    imitates: 'Retries come after 5 min, 30 min, 1 h, 2 h, 4 h and so on for a little over a day.',
    source: 'FAQ: retry-policy-and-redelivery; the docs say 30 s doubling, ten times',
    changes: { retrySchedule: 'faq' },
  },
  {
    name: 'retry-5xx-only',
    imitates: 'A 3xx or 4xx answer is not retried.',
    source: 'llms.txt of 2025; the docs say any answer that is not 2xx is retried',
    changes: { retryOn: '5xx_only' },
  },
  {
    name: 'event-without-provider',
    imitates: 'The users of connection events have no provider.',
    source: "Terra's agent documentation: the example of user_reauth for a reinstalled app",
    changes: { eventProvider: 'absent' },
  },
  {
    name: 'event-without-reference',
    imitates: 'The users of connection events have reference_id null.',
    source: 'OpenAPI, TerraUser: reference_id may be null',
    changes: { eventReference: 'null' },
  },
  {
    name: 'huge-data',
    imitates: 'Data events are close to the limit of 10 MB per chunk.',
    source: 'Docs: event-types (10 MB a chunk)',
    changes: { dataSize: 'huge' },
  },
] as const satisfies readonly Scenario[];
