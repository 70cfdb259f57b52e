import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/**
 * The result of a delivery, with the status that Terra's dashboard shows; 504, 503 and 500 can be Terra's own. FAQ:
 * response-codes-are-your-server.
 */
export type PostResult = {
  status: number;
  /** The beginning of the app's answer. */
  answer?: string;
  cause?: 'timeout' | 'refused_or_reset' | 'no_usable_response';
};

const ANSWER_KEPT_BYTES = 500;

/** Sends one POST without following redirects. Never rejects. */
export function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  timeoutMs: number,
  stopped: AbortSignal,
): Promise<PostResult> {
  return new Promise(resolve => {
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(timeoutMs)]);
    const failed = () => {
      const timedOut = signal.aborted && !stopped.aborted;
      resolve(timedOut ? { status: 504, cause: 'timeout' } : { status: 503, cause: 'refused_or_reset' });
    };
    try {
      const send = url.startsWith('https:') ? httpsRequest : httpRequest;
      const length = Buffer.byteLength(body);
      const outgoing = send(url, {
        method: 'POST',
        agent: false,
        signal,
        headers: { ...headers, 'content-length': length },
      });
      outgoing.on('error', failed);
      outgoing.on('response', response => {
        const status = response.statusCode ?? 500;
        let start = Buffer.alloc(0);
        response.on('error', failed);
        response.on('data', (chunk: Buffer) => {
          if (start.length < ANSWER_KEPT_BYTES) start = Buffer.concat([start, chunk]).subarray(0, ANSWER_KEPT_BYTES);
        });
        response.on('end', () => resolve({ status, ...(start.length > 0 && { answer: start.toString('utf8') }) }));
      });
      outgoing.end(body);
    } catch {
      resolve({ status: 500, cause: 'no_usable_response' });
    }
  });
}
