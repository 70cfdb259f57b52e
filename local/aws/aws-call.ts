import type { IncomingMessage, ServerResponse } from 'node:http';

/** One call of an AWS service's JSON protocol, as far as its headers tell. */
export type AwsCall = {
  /** `dynamodb`, `secretsmanager`, …: the service the caller signed for. */
  readonly service: string;
  readonly action: string;
  /** Says which function called: each has its own key. */
  readonly accessKey: string;
};

/** The body of a call, where it is a JSON object. */
export type AwsRequest = Readonly<Record<string, unknown>>;

export type AwsAnswer = { readonly status: number; readonly body: object };

/** Sends one call to the emulator behind the front. */
export type Ask = (action: string, body: object | string) => Promise<AwsAnswer & { body: Record<string, unknown> }>;

/** Hears of every call before it is answered. What it returns is answered in place of the service. */
export type OnCall = (call: AwsCall, request: AwsRequest) => AwsAnswer | undefined;

/** Reads who calls what. The signature is not checked: these endpoints listen on the loopback interface only. */
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

/** A JSON object, or nothing: what is malformed is for the service behind to complain about. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
