declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  type Request = {
    method: string;
    path: string;
    headers: Record<string, string>;
    body?: string;
  };
  type Context = Record<string, unknown>;

  type Options = {
    url: string;
    connections: number;
    duration: number;
    /** Seconds. */
    timeout?: number;
    /** Milliseconds between two looks at whether the time is up. */
    sampleInt?: number;
    overallRate?: number;
    /** Requests in all, instead of a duration. */
    amount?: number;
    requests: {
      setupRequest(request: Request, context: Context): Request;
      onResponse(status: number, body: string, context: Context): void;
    }[];
  };

  type Result = { errors: number; timeouts: number };

  function autocannon(options: Options): EventEmitter & PromiseLike<Result> & { stop(): void };
  export = autocannon;
}
