/** HTTP status of every error code of the API. */
export const errorStatus = {
  invalid_request: 400,
  code_invalid: 400,
  provider_unavailable: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  idempotency_conflict: 409,
  in_progress: 409,
  session_closed: 409,
  erasing: 409,
  payload_too_large: 413,
  rate_limited: 429,
  internal: 500,
  terra_rejected: 502,
  terra_credentials: 502,
  terra_endpoint_gone: 502,
  terra_limit_reached: 502,
  terra_unavailable: 503,
  unavailable: 503,
  terra_timeout: 504,
} as const;

export type ErrorCode = keyof typeof errorStatus;

/** Title of each code, the same for every occurrence (RFC 9457 §3.1.4). */
export const errorTitle: Record<ErrorCode, string> = {
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
};

/**
 * An expected error, returned as a problem document. `detail` is sent to the caller and must not contain secrets; `reason` is
 * only logged.
 */
export class Problem extends Error {
  readonly code: ErrorCode;
  readonly retryAfterSeconds: number | undefined;
  readonly reason: string | undefined;

  constructor(
    code: ErrorCode,
    detail: string,
    more: { retryAfterSeconds?: number | undefined; reason?: string | undefined; cause?: unknown } = {},
  ) {
    super(detail, { cause: more.cause });
    this.code = code;
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.reason = more.reason;
  }
}
