/**
 * A call that failed, whoever made it.
 *
 * @typedef {{ status: number, code?: string | undefined, retryAfterMs?: number | undefined }} Failure
 */

/** A call to the issuer or the sandbox that was answered with a failure, or (status 0) not at all. */
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
 * What went wrong with a call of the client's or of this page's own; any other error is a mistake of ours, and thrown on.
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
