import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { addressOf, closeServer, cutOnFailure, listen, readBody } from '../loopback';

/** One call of an AWS service's JSON protocol, as read from its headers. */
export type AwsCall = {
  /** The service that the caller signed for, such as `dynamodb` or `secretsmanager`. */
  readonly service: string;
  readonly action: string;
  /** Identifies the calling function: each has its own key. */
  readonly accessKey: string;
};

/** The body of a call, parsed from JSON. */
export type AwsRequest = Readonly<Record<string, unknown>>;

export type AwsAnswer = { readonly status: number; readonly body: object };

/** Sends one call to the emulator (dynalite). */
export type Ask = (action: string, body: object | string) => Promise<AwsAnswer & { body: Record<string, unknown> }>;

/** Called before each call is answered. If it returns an answer, that is sent instead of the service's. */
export type OnCall = (call: AwsCall, request: AwsRequest) => AwsAnswer | undefined;

/**
 * Reads the service, action and access key of a call. The signature is not verified: these endpoints listen on the
 * loopback interface only.
 */
export function callOf({ headers }: IncomingMessage): AwsCall {
  const [, action = ''] = String(headers['x-amz-target'] ?? '').split('.');
  const [, accessKey = '', service = ''] =
    /Credential=([^/,\s]+)\/[^/]*\/[^/]*\/([^/]*)\//.exec(headers.authorization ?? '') ?? [];
  return { service, action, accessKey };
}

export function sendAwsAnswer(response: ServerResponse, { status, body }: AwsAnswer, contentType: string): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** Starts a service of AWS's JSON protocol on the loopback interface. */
export async function startService(options: {
  onCall: OnCall | undefined;
  contentType: string;
  answer: (action: string, request: AwsRequest) => AwsAnswer;
}): Promise<{ readonly endpoint: string; close(): Promise<void> }> {
  const server = createServer(
    cutOnFailure(async (request, response) => {
      const call = callOf(request);
      const input = parseObject((await readBody(request)).toString()) ?? {};
      sendAwsAnswer(response, options.onCall?.(call, input) ?? options.answer(call.action, input), options.contentType);
    }),
  );
  const port = await listen(server);
  return { endpoint: `http://${addressOf(port)}`, close: () => closeServer(server) };
}

/** Parses a JSON object; returns undefined for anything else, so that the service can report the malformed input. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
