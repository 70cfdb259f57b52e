const titles = {
  invalid_request: 'The request is not valid',
  code_invalid: 'The code is not valid',
  provider_unavailable: 'This provider is not available',
  unauthenticated: 'Not signed in',
  forbidden: 'Not allowed',
  not_found: 'Not found',
  idempotency_conflict: 'The idempotency key was used for another request',
  in_progress: 'The first request with this idempotency key is under way',
  session_closed: 'The session is closed',
  erasing: 'The records of this user are being erased',
  payload_too_large: 'The request is too large',
  rate_limited: 'Too many requests',
  internal: 'Something went wrong',
  terra_rejected: 'Terra rejected the request',
  terra_credentials: 'Terra did not accept the credentials of this deployment',
  terra_endpoint_gone: 'The Terra endpoint in use is gone',
  terra_limit_reached: 'The user limit of the Terra account is reached',
  terra_unavailable: 'Terra is not available',
  unavailable: 'Temporarily not available',
  terra_timeout: 'Terra did not answer in time',
  network: 'The API could not be reached',
  unexpected_answer: 'What answered is not this API',
  popup_blocked: 'The browser did not let a window open',
} as const;

const ownCodes = ['network', 'unexpected_answer', 'popup_blocked'] as const;

/** Codes of the client itself, in addition to the API's. */
type OwnCode = (typeof ownCodes)[number];

/** A code of the API's problem documents. */
export type ErrorCode = Exclude<keyof typeof titles, OwnCode>;

/** Any code of a `ConnectError`. */
export type ConnectErrorCode = ErrorCode | OwnCode;

/** A failed call. It contains no token, code, link or server text, so it can be logged. */
export class ConnectError extends Error {
  readonly code: ConnectErrorCode;
  /** HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** The delay that the API asked for. */
  declare readonly retryAfterMs?: number;
  /** The API's request id, to find the request in its log. */
  declare readonly requestId?: string;

  constructor(
    code: ConnectErrorCode,
    { status = 0, retryAfterMs, requestId }: { status?: number; retryAfterMs?: number; requestId?: string } = {},
  ) {
    super(`${titles[code]} (${code})`);
    this.name = 'ConnectError';
    this.code = code;
    this.status = status;
    this.retryable = code === 'network' || code === 'in_progress' || [429, 503, 504].includes(status);
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
    if (requestId !== undefined) this.requestId = requestId;
  }
}

/** Returns whether this version of the client knows it as a code of the API. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return Object.keys(titles).some(known => known === code) && !ownCodes.some(own => own === code);
}
