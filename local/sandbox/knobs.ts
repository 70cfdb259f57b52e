/** A fault that replaces an API answer. */
export type Fault =
  | 'none'
  | 'bad_request'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'gone'
  | 'rate_limited'
  | 'rate_limited_bare'
  | 'server_error'
  | 'unavailable'
  | 'gateway_timeout'
  | 'html'
  | 'truncated_json'
  | 'message_null'
  | 'status_error'
  | 'redirect'
  | 'huge'
  | 'slow'
  | 'drip'
  | 'hang'
  | 'reset';

/** An event that happens some time after a connection was made. */
export type LaterEvent = {
  event: 'access_revoked' | 'deauth' | 'connection_error' | 'permission_change';
  afterSeconds: number;
};

/**
 * All behaviors of Terra that are undocumented, contradictory or faulty, as one value each. The defaults are the newest
 * documented behavior; a scenario is a named set of other values.
 */
export type Knobs = {
  fault: Fault;
  errorBody: 'current' | 'legacy';
  credentials: 'as_sent' | 'swapped' | 'wrong';
  badCredentials: 'documented' | 'forbidden';
  swappedKeysStatus: 200 | 403;
  sessionStatus: 200 | 201;
  sessionSeconds: number;
  sessionExpiresIn: 'present' | 'absent';
  legacyWidget: 'works' | 'gone';
  link: 'normal' | 'missing' | 'javascript' | 'insecure' | 'other_id';
  tokensPath: 'present' | 'absent';
  tokenSeconds: number;
  tokenExpiresIn: 'present' | 'absent';
  tokenBinding: 'bound' | 'ignored';
  usersByReference: 'users' | 'array' | 'gateway_timeout';
  unknownReference: 'not_found' | 'empty';
  userInfoLagSeconds: number;
  sdkListField: 'sdk_providers' | 'sdk_resource';
  userLimit: number | null;
  identity: 'classic' | 'newer';
  reauthMatch: 'account' | 'reference';
  reauthOrder: 'auth_first' | 'reauth_first';
  reauthOldUser: 'present' | 'null' | 'absent' | 'without_reference';
  authFailure: 'auth_cancelled' | 'auth_error';
  decision: 'as_pressed' | 'cancelled';
  afterDenial: 'link_over' | 'link_usable';
  afterApproval: 'link_over' | 'link_usable';
  failureReason: string | null;
  authExtras: 'current' | 'null_session' | 'bare' | 'documented';
  authStatus: 'success' | 'warning';
  userCreatedAt: 'present' | 'absent' | 'epoch_seconds';
  eventProvider: 'present' | 'absent';
  eventReference: 'present' | 'null';
  userCreated: 'with_link' | 'on_approval';
  scopesForm: 'comma' | 'padded' | 'empty' | 'null' | 'list';
  redirectJoin: 'ampersand' | 'second_question_mark';
  redirectReference: 'present' | 'null' | 'absent';
  redirectReason: 'absent' | 'present';
  failureRedirectUser: 'present' | 'null' | 'absent';
  redirectTiming: 'at_once' | 'after_webhook' | 'never';
  later: LaterEvent | null;
  lose: boolean;
  copies: number;
  delaySeconds: number;
  holdUntilNext: boolean;
  signTime: 'each_attempt' | 'original';
  signature: 'valid' | 'other_secret' | 'with_other_secret' | 'tampered' | 'missing' | 'a_week_old';
  signatureHeaders: 'both' | 'current' | 'deprecated';
  orderingHeader: 'present' | 'absent';
  retrySchedule: 'docs' | 'faq';
  retryOn: 'any_failure' | '5xx_only';
  dataSize: 'typical' | 'huge';
};

export const defaultKnobs: Knobs = {
  fault: 'none',
  errorBody: 'current',
  credentials: 'as_sent',
  badCredentials: 'documented',
  swappedKeysStatus: 200,
  sessionStatus: 201,
  sessionSeconds: 900,
  sessionExpiresIn: 'present',
  legacyWidget: 'works',
  link: 'normal',
  tokensPath: 'present',
  tokenSeconds: 180,
  tokenExpiresIn: 'present',
  tokenBinding: 'bound',
  usersByReference: 'users',
  unknownReference: 'not_found',
  userInfoLagSeconds: 0,
  sdkListField: 'sdk_providers',
  userLimit: null,
  identity: 'classic',
  reauthMatch: 'account',
  reauthOrder: 'auth_first',
  reauthOldUser: 'present',
  authFailure: 'auth_cancelled',
  decision: 'as_pressed',
  afterDenial: 'link_over',
  afterApproval: 'link_over',
  failureReason: 'access_denied',
  authExtras: 'current',
  authStatus: 'success',
  userCreatedAt: 'present',
  eventProvider: 'present',
  eventReference: 'present',
  userCreated: 'with_link',
  scopesForm: 'comma',
  redirectJoin: 'ampersand',
  redirectReference: 'present',
  redirectReason: 'absent',
  failureRedirectUser: 'present',
  redirectTiming: 'at_once',
  later: null,
  lose: false,
  copies: 1,
  delaySeconds: 0,
  holdUntilNext: false,
  signTime: 'each_attempt',
  signature: 'valid',
  signatureHeaders: 'both',
  orderingHeader: 'present',
  retrySchedule: 'docs',
  retryOn: 'any_failure',
  dataSize: 'typical',
};

/** One behavior of Terra: what it imitates, its source, and the knobs it changes. */
export type Scenario = {
  name: string;
  imitates: string;
  source: string;
  changes: Partial<Knobs>;
};
