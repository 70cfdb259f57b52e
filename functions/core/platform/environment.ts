/** All environment variables of the functions. `infra/` sets them, and only `dependencies.ts` reads them. None is secret. */
export const environmentNames = [
  'TABLE_NAME',
  /** ARNs of the three secrets; each function has only those that it can read. */
  'TERRA_API_SECRET',
  'TERRA_WEBHOOK_SECRET',
  'REFERENCE_KEY_SECRET',
  /** The issuer of tokens, byte for byte, and the namespace of its subjects. */
  'ISSUER',
  'OWNER_NAMESPACE',
  /** `opaque` or `subject`. */
  'REFERENCE_ID',
  /** `true` or `false`. */
  'ALLOW_UNBOUND_TOKENS',
  /** `required` or `off`. */
  'CONFIRMATION',
  'CONFIRM_WITHIN_MINUTES',
  /** Limits per owner in ten minutes. */
  'SESSION_LIMIT',
  'MINT_LIMIT',
  /** `coalesce` or `ignore`. */
  'DATA_EVENTS',
  /** `current` or `legacy`. */
  'WIDGET',
  /** The base URL before `/auth/…`, `/userInfo`, …, and the complete URL of the widget-session endpoint. */
  'TERRA_API_URL',
  'TERRA_WIDGET_URL',
  /** Where Terra sends browsers back to: `https://…/v1/callback`, without a slash at the end. */
  'CALLBACK_BASE',
  /** JSON object: name of a return target → its exact URL. */
  'RETURN_TARGETS',
  /** JSON of an `AppLook`: the app's name and colours on pages. Missing if they are not set. */
  'APP_LOOK',
  /** `true`: the sweep only logs what it would do. */
  'SWEEP_DRY_RUN',
  /** `true`: the daily check only asks Terra and counts. */
  'RECONCILE_DRY_RUN',
  /** Name of the event bus, and URL of the queue for events that could not be published. */
  'BUS_NAME',
  'DEAD_LETTER_QUEUE_URL',
] as const;

export type EnvironmentName = (typeof environmentNames)[number];
