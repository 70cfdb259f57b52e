import type { AlarmName } from '../../functions/core/platform/log';

/** What is measured: what a function's log line calls an alarm, or one of these. */
export type Signal =
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
  readonly signal: Signal;
  /** Rings at this value or above, or `below` it; where nothing is measured only the latter rings. */
  readonly rings: { readonly atLeast: number } | { readonly below: number };
  /** Minutes the value is taken over. */
  readonly minutes: number;
  /** How many such spans in a row it takes. */
  readonly spans: number;
  /** What happened, and what a person should do. */
  readonly todo: string;
};

/** Every alarm, in the order a person would want to hear of them. */
export const alarms: readonly AlarmDeclaration[] = [
  once(
    'ReferenceKeyChanged',
    'reference_key_changed',
    'The reference-id key, `ownerNamespace` or `referenceId` is not the one that this table was begun with, and users get 503 until it is: run `npm run doctor`, which names what differs and how to put it back.',
  ),
  once(
    'TerraCredentials',
    'terra_credentials',
    'Terra refuses our credentials: run `npm run doctor`, which tells wrong keys from swapped ones, and fill the secret terra-api again.',
  ),
  once(
    'TerraEndpointGone',
    'terra_endpoint_gone',
    'Terra says that an endpoint is gone for good: set `widget` to "current", or `terraApiUrl` to what Terra names now, and deploy.',
  ),
  {
    ...once(
      'SignatureMismatch',
      'signature_mismatch',
      "Events come signed with another secret than ours: if Terra's was changed, put it into terra-webhook with `npm run secrets`; if not, somebody forges events, and they are all refused.",
    ),
    rings: { atLeast: 21 },
  },
  once(
    'OwnerMismatch',
    'owner_mismatch',
    'A user brought the code of a session that another user started. If the owner had not used the code, the connection was ended; if the owner had, it stays, and the code has leaked: look for the session in the log of confirm-session; many in a day are an attack on your users.',
  ),
  once(
    'LinkReused',
    'link_reused',
    'A link was used by two browsers or for two authentications, so its connection is not proved any more and is ended unless its user connects anew: look for the session in the logs of complete-callback and receive-webhook; many in a day are an attack on your users.',
  ),
  once(
    'OwnersDiffer',
    'owners_differ',
    'Terra moved a connection from one of our users to another, and both are set aside: look at the two with `npm run owner`, and ask Terra why.',
  ),
  {
    ...once(
      'UnsolicitedForeign',
      'unsolicited_foreign',
      'Terra tells of users that nothing of ours started: find out which other program of your team makes Terra users with these reference ids, or import them with `npm run owner -- import`.',
    ),
    minutes: 60,
  },
  {
    ...once(
      'PoisonEvent',
      'poison_event',
      'Terra sent an event without a type or without its user, which means nothing here: read `eventType` and `unread` in the log of receive-webhook, which name the type and the missing field; Terra may have changed its events.',
    ),
    minutes: 60,
  },
  {
    ...once(
      'UnknownEvent',
      'unknown_event',
      'Terra sent an event about a connection in a form that is not known here, an unknown type or an `auth` with an unknown status: read `eventType` and `unread` in the log of receive-webhook, and update this project; until then only what Terra answers when it is asked counts.',
    ),
    minutes: 60,
  },
  {
    ...once(
      'EndWithoutReference',
      'end_without_reference',
      'Terra reported the end or an error of a connection without a reference id: the check of all connections looks for it within an hour, or within two days with `referenceId` "subject"; ask Terra why it leaves the id out.',
    ),
    minutes: 60,
  },
  once(
    'DisconnectOverdue',
    'disconnect_overdue',
    "A disconnect has waited for Terra's agreement for more than 15 minutes: read the log of sweep-stale for Terra's answer; it is tried again until Terra agrees.",
  ),
  {
    ...once(
      'OwnerFull',
      'owner_full',
      'One user has as many sessions, tokens or connections as are kept of one user (100 of each): new ones are refused with 429, and new connections that nothing proves are ended. Look for an app that connects in a loop: the log of create-session, mint-token or sweep-stale has the line, and `npm run owner` shows the user.',
    ),
    minutes: 60,
  },
  once(
    'SweepBreaker',
    'sweep_breaker',
    "Terra failed five times in a row, and then for a question about no user: the sweep did only what needs no Terra. Look at Terra's status page and run `npm run doctor`; the next run takes up what is left.",
  ),
  once(
    'ReconcileBreaker',
    'reconcile_breaker',
    'The daily check would have ended too many connections at once, and stopped: compare some of them with Terra by `npm run owner` before you let it go on.',
  ),
  once(
    'UnreadableRow',
    'unreadable_row',
    'A row of the table cannot be read; all others work. Soon after a deployment it may be of the later version: wait until all functions are deployed. Otherwise run `npm run doctor`, which names the rows, and look at them with `npm run owner -- show`.',
  ),
  once(
    'ReconcileSkipped',
    'reconcile_skipped',
    'The daily check got no answer that counts about some users, because Terra refuses them one by one or knew none of the users it was asked about: read `skipped` in the log of reconcile, and compare some connections with Terra by `npm run owner`.',
  ),
  once(
    'BodyTooLarge',
    'body_too_large',
    'Terra sent an event too large for Lambda, which nobody can receive here: send data events to a destination of your own, and only connection events to this one.',
  ),
  once(
    'DeadLetters',
    'dead_letters',
    'Events could not be published: read the log of publish-changes, mend the cause, then redrive the dead letters with `npm run events`.',
  ),
  {
    ...once(
      'EventsLate',
      'publish_age_ms',
      'Events are published more than ten minutes late or not at all: read the log of publish-changes; changes are lost after a day.',
    ),
    rings: { atLeast: 600_000 },
  },
  once(
    'PublishFails',
    'publish_errors',
    'The publisher fails or runs out of time: read the log of publish-changes; the stream repeats the batch for a day.',
  ),
  once(
    'WebhookFails',
    'webhook_errors',
    'Terra events fail before they are answered: read the log of receive-webhook; Terra repeats them for a while.',
  ),
  once(
    'FunctionsFail',
    'api_errors',
    'A function that answers users fails or runs out of time: the dashboard shows which; read its log.',
  ),
  {
    ...once(
      'ServerErrors',
      'server_errors_percent',
      'More than 1 % of requests fail with 5xx: read the access log for the route, then the log of its function.',
    ),
    rings: { atLeast: 1 },
  },
  once(
    'FunctionsThrottled',
    'api_throttles',
    "Functions behind the API are throttled: raise the account's Lambda concurrency, or the reserved one of that function.",
  ),
  once(
    'JobsThrottled',
    'job_throttles',
    "The sweep, the daily check or the publisher is throttled: raise the account's Lambda concurrency, or the reserved one of that function.",
  ),
  once('SweepFails', 'sweep_errors', 'The sweep fails: read the log of sweep-stale; disconnects are waiting.'),
  once(
    'SweepNotStarted',
    'sweep_not_started',
    'The sweep could not be started: look into its dead-letter queue, mend the cause, then purge the queue.',
  ),
  absent(
    'SweepAbsent',
    'sweep_runs',
    'The sweep has not run for two periods: see whether its schedule is enabled and its function is there; disconnects and expiries are waiting.',
    5,
  ),
  once(
    'ReconcileFails',
    'reconcile_errors',
    'The daily check of all connections fails: read the log of reconcile; until it runs, users who left at Terra stay connected here.',
  ),
  once(
    'ReconcileNotStarted',
    'reconcile_not_started',
    'The daily check could not be started: look into its dead-letter queue, mend the cause, then purge the queue.',
  ),
  absent(
    'ReconcileAbsent',
    'reconcile_runs',
    'The daily check has not run for two periods: see whether its schedule is enabled and its function is there.',
    10,
  ),
];

function once(name: string, signal: Signal, todo: string): AlarmDeclaration {
  return { name, signal, rings: { atLeast: 1 }, minutes: 5, spans: 1, todo };
}

function absent(name: string, signal: Signal, todo: string, minutes: number): AlarmDeclaration {
  return { name, signal, rings: { below: 1 }, minutes, spans: 2, todo };
}
