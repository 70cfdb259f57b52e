import type { AlarmName } from '../../functions/core/platform/log';

/** A measured value: the count of log lines with this alarm name, or one of the others. */
export type MetricName =
  | AlarmName
  | 'server_errors_percent'
  | 'webhook_errors'
  | 'api_errors'
  | 'publish_errors'
  | 'sweep_errors'
  | 'reconcile_errors'
  | 'api_throttles'
  | 'job_throttles'
  | 'publish_age_ms'
  | 'dead_letters'
  | 'sweep_not_started'
  | 'reconcile_not_started'
  | 'sweep_runs'
  | 'reconcile_runs';

export type AlarmDeclaration = {
  readonly name: string;
  readonly metric: MetricName;
  /** The alarm fires at this value or above, or `below` it. Missing data fires only a `below` alarm. */
  readonly threshold: { readonly atLeast: number } | { readonly below: number };
  /** Length of one evaluation period. */
  readonly minutes: number;
  /** Number of breaching periods in a row that fire the alarm. */
  readonly periods: number;
  /** What happened and what to do; `docs/operations.md` repeats it. */
  readonly description: string;
};

/** All alarms, the most important first. */
export const alarms: readonly AlarmDeclaration[] = [
  once(
    'ReferenceKeyChanged',
    'reference_key_changed',
    'The reference-id key, `ownerNamespace` or `referenceId` differs from the one this table was created with. Users get 503 until it is restored. Run `npm run doctor`, which names the difference and how to restore it.',
  ),
  once(
    'TerraCredentials',
    'terra_credentials',
    "Terra refuses this deployment's credentials. Run `npm run doctor`, which shows whether they are wrong or swapped, then `npm run secrets -- set terra-api`.",
  ),
  once(
    'TerraEndpointGone',
    'terra_endpoint_gone',
    'Terra has withdrawn an endpoint (410). Set `widget` to "current", or `terraApiUrl` to the URL that Terra documents, and deploy.',
  ),
  {
    ...once(
      'SignatureMismatch',
      'signature_mismatch',
      'Webhooks arrive with a signature of another secret and are refused. If the secret was changed at Terra, store it with `npm run secrets -- rotate terra-webhook`. If not, someone is forging events.',
    ),
    threshold: { atLeast: 21 },
  },
  once(
    'OwnerMismatch',
    'owner_mismatch',
    'A user sent the code of a session that another user started. If the owner had not confirmed yet, the connection is ended. If the owner had, it stays, and the code has leaked. Find the session in the log of confirm-session. Many in one day are an attack on your users.',
  ),
  once(
    'LinkReused',
    'link_reused',
    'A link was used by two browsers or for two authentications, so its connection is no longer proved. It is ended unless its user connects again. Find the session in the logs of complete-callback and receive-webhook. Many in one day are an attack on your users.',
  ),
  once(
    'OwnersDiffer',
    'owners_differ',
    'Terra replaced a Terra user of one of your users by a Terra user of another. The connection is ended for the first and not proved for the second. Look at both with `npm run owner -- show`, and ask Terra why.',
  ),
  {
    ...once(
      'UnsolicitedForeign',
      'unsolicited_foreign',
      'Terra sent events about Terra users that this deployment did not create. Find out which other program creates Terra users with these reference ids, or import them with `npm run owner -- import`.',
    ),
    minutes: 60,
  },
  {
    ...once(
      'PoisonEvent',
      'poison_event',
      'Terra sent an event without a type or without a Terra user id, so it was dropped. Read `eventType` and `unread` in the log of receive-webhook, which name the type and the missing field. Terra may have changed its events.',
    ),
    minutes: 60,
  },
  {
    ...once(
      'UnknownEvent',
      'unknown_event',
      "Terra sent an event of an unknown type, or an `auth` event with an unknown status. Read `eventType` and `unread` in the log of receive-webhook, and update this project. Until then, such an event has no effect unless Terra's API confirms it.",
    ),
    minutes: 60,
  },
  {
    ...once(
      'EndWithoutReference',
      'end_without_reference',
      'Terra reported the end or an error of a connection without a reference id. The daily check finds the connection within an hour, or within two days with `referenceId` "subject". Ask Terra why the id is missing.',
    ),
    minutes: 60,
  },
  once(
    'DisconnectOverdue',
    'disconnect_overdue',
    "Terra has not confirmed a disconnect for more than 15 minutes. Read Terra's answer in the log of sweep-stale. The sweep retries until Terra confirms.",
  ),
  {
    ...once(
      'OwnerFull',
      'owner_full',
      'One user has 100 sessions, tokens or connections, the most that are stored for one user. New ones are refused with 429, and new unproved connections are ended. Look for an app that connects in a loop: the line is in the log of create-session, mint-token or sweep-stale, and `npm run owner -- show` shows the user.',
    ),
    minutes: 60,
  },
  once(
    'SweepBreaker',
    'sweep_breaker',
    "Terra failed five times in a row and did not answer a test request. The sweep did only the work that needs no Terra; the next run does the rest. Check Terra's status page and run `npm run doctor`.",
  ),
  once(
    'ReconcileBreaker',
    'reconcile_breaker',
    'The daily check stopped because it would have ended too many connections at once. Compare some of them with Terra by `npm run owner -- show` before you let it continue.',
  ),
  once(
    'UnreadableRow',
    'unreadable_row',
    'A row of the table cannot be read; all other rows work. Shortly after a deployment the row may be from the newer version: wait until all functions are deployed. Otherwise run `npm run doctor`, which names the rows, and look at them with `npm run owner -- show`.',
  ),
  once(
    'ReconcileSkipped',
    'reconcile_skipped',
    'The daily check got no reliable answer about some Terra users: Terra refused the requests for them, or reported that it has none of a whole batch. Read `skipped` in the log of reconcile, and compare some connections with Terra by `npm run owner -- show`.',
  ),
  once(
    'BodyTooLarge',
    'body_too_large',
    'Terra sent an event that is too large for Lambda, and it was refused. Send data events to a destination of your own, and only connection events to this one.',
  ),
  once(
    'DeadLetters',
    'dead_letters',
    'Events could not be published. Read the log of publish-changes, fix the cause, then run `npm run events -- redrive`.',
  ),
  {
    ...once(
      'EventsLate',
      'publish_age_ms',
      'Events are published more than ten minutes late or not at all. Read the log of publish-changes. Changes are lost after 24 hours.',
    ),
    threshold: { atLeast: 600_000 },
  },
  once(
    'PublishFails',
    'publish_errors',
    'The stream publisher fails or times out. Read the log of publish-changes. The batch is retried for 24 hours.',
  ),
  once(
    'WebhookFails',
    'webhook_errors',
    'The webhook function fails or times out. Read the log of receive-webhook. Terra repeats the events for about a day.',
  ),
  once(
    'FunctionsFail',
    'api_errors',
    'A function that serves users or browsers fails or times out. The dashboard shows which one; read its log.',
  ),
  {
    ...once(
      'ServerErrors',
      'server_errors_percent',
      'More than 1 % of requests fail with 5xx. Find the route in the access log, then read the log of its function.',
    ),
    threshold: { atLeast: 1 },
  },
  once(
    'FunctionsThrottled',
    'api_throttles',
    "A function behind the API is throttled. Raise the account's Lambda concurrency, or the function's reserved concurrency.",
  ),
  once(
    'JobsThrottled',
    'job_throttles',
    "The sweep, the daily check or the stream publisher is throttled. Raise the account's Lambda concurrency, or the function's reserved concurrency.",
  ),
  once(
    'SweepFails',
    'sweep_errors',
    'The sweep fails. Read the log of sweep-stale. Until this is fixed, disconnects are late.',
  ),
  once(
    'SweepNotStarted',
    'sweep_not_started',
    'EventBridge Scheduler could not start the sweep. Read the message in its dead-letter queue, fix the cause, then purge the queue.',
  ),
  absent(
    'SweepAbsent',
    'sweep_runs',
    'The sweep has not run for two periods. Check that its schedule is enabled and its function exists. Until this is fixed, disconnects and expiries are late.',
    5,
  ),
  once(
    'ReconcileFails',
    'reconcile_errors',
    'The daily check of all connections fails. Read the log of reconcile. Until this is fixed, connections that ended at Terra without an event stay connected here.',
  ),
  once(
    'ReconcileNotStarted',
    'reconcile_not_started',
    'EventBridge Scheduler could not start the daily check. Read the message in its dead-letter queue, fix the cause, then purge the queue.',
  ),
  absent(
    'ReconcileAbsent',
    'reconcile_runs',
    'The daily check has not run for two periods. Check that its schedule is enabled and its function exists.',
    10,
  ),
];

/** An alarm that fires when the value is 1 or more in five minutes. */
function once(name: string, metric: MetricName, description: string): AlarmDeclaration {
  return { name, metric, threshold: { atLeast: 1 }, minutes: 5, periods: 1, description };
}

/** An alarm that fires when nothing was counted in two periods. */
function absent(name: string, metric: MetricName, description: string, minutes: number): AlarmDeclaration {
  return { name, metric, threshold: { below: 1 }, minutes, periods: 2, description };
}
