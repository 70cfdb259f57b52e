/** Every environment variable a function may be given: `infra/` writes them, `live.ts` alone reads them. Nothing here is secret. */
export const environmentNames = [
  /** Name of the one table. */
  'TABLE_NAME',
  /** ARNs of the three secrets; each function has only those it may read. */
  'TERRA_API_SECRET',
  'TERRA_WEBHOOK_SECRET',
  'REFERENCE_KEY_SECRET',
  /** The issuer whose tokens count, byte for byte, and the name its subjects are known under. */
  'ISSUER',
  'OWNER_NAMESPACE',
  /** `opaque` or `subject`. */
  'REFERENCE_ID',
  /** `true` or `false`. */
  'ALLOW_UNBOUND_TOKENS',
  /** `required` or `off`. */
  'CONFIRMATION',
  'CONFIRM_WITHIN_MINUTES',
  /** Per owner and ten minutes. */
  'SESSION_LIMIT',
  'MINT_LIMIT',
  /** `coalesce` or `ignore`. */
  'DATA_EVENTS',
  /** `current` or `legacy`. */
  'WIDGET',
  /** The base that `/auth/…`, `/userInfo`, … are appended to, and the whole URL of the widget-session endpoint. */
  'TERRA_API_URL',
  'TERRA_WIDGET_URL',
  /** Where Terra sends browsers back to: `https://…/v1/callback`, without a slash at the end. */
  'CALLBACK_BASE',
  /** JSON object: name of a return target → its exact URL. */
  'RETURN_TARGETS',
  /** JSON of an `AppLook`: the app's name and colours on pages. Not given where they are not set. */
  'APP_LOOK',
  /** `true`: the sweep decides and logs but acts on nothing. */
  'SWEEP_DRY_RUN',
  /** The same of the daily check of all connections. */
  'RECONCILE_DRY_RUN',
  /** Name of the bus that changes are published to, and URL of the queue for what could not be. */
  'BUS_NAME',
  'DEAD_LETTER_QUEUE_URL',
] as const;

export type EnvironmentName = (typeof environmentNames)[number];
