/**
 * A failed call.
 *
 * @typedef {{ status: number, code?: string | undefined, retryAfterMs?: number | undefined }} Failure
 */

/** A failed call to the issuer or the sandbox. The status is 0 if there was no answer. */
export class CallFailed extends Error {
  /** @param {Failure} answer */
  constructor({ status, code, retryAfterMs }) {
    super(`call failed: ${status} ${code ?? ''}`.trimEnd());
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Returns the failure of a call made by the client or this page. Rethrows any other error, because it is a bug.
 *
 * @param {unknown} error
 * @returns {Failure}
 */
export function failureOf(error) {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') throw error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const retryAfterMs =
    'retryAfterMs' in error && typeof error.retryAfterMs === 'number' ? error.retryAfterMs : undefined;
  return { status: error.status, code, retryAfterMs };
}
