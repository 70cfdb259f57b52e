import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { SandboxClock } from '../../local/sandbox/clock';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../local/sandbox/sandbox';

export const DEV_ID = 'dev-1';
export const API_KEY = 'key-1';
export const SECRET = 'whsec-test-secret-0123456789';

type User = { user_id: string; provider: string; reference_id: string | null; active: boolean; scopes: string | null };

/** The parts of Terra's events that the tests look at. */
export type TerraEvent = Record<string, unknown> & {
  type: string;
  status?: string;
  user?: User;
  new_user?: User;
  old_user?: User | null;
};

export type Received = { body: string; headers: IncomingHttpHeaders; event: TerraEvent };

export interface Receiver {
  url: string;
  received: readonly Received[];
  /** The types so far, in order. */
  types(): string[];
  answerWith(status: number | 'never', body?: string): void;
  clear(): void;
}

export interface Setting {
  sandbox: Sandbox;
  receiver: Receiver;
  /** Calls the v2 API with the right credentials, or those given. */
  api(method: string, path: string, options?: { body?: unknown; headers?: Record<string, string> }): Promise<Answered>;
  post(path: string, body?: unknown): Promise<Answered>;
  /** Decides on a consent page; the answer is where the browser is sent. */
  consent(url: string, decision: 'approve' | 'deny', form?: Record<string, string>): Promise<string>;
  /** Connects a web provider and waits for its webhooks. */
  connected(resource: string, referenceId: string, form?: Record<string, string>): Promise<{ userId: string }>;
  close(): Promise<void>;
}

export type Answered = { status: number; headers: Headers; body: Record<string, unknown> & { [key: string]: unknown } };

/** Starts one setting for the tests of a file, and resets it after each. */
export function useSetting(
  take: (setting: Setting) => void,
  options?: Parameters<typeof sandboxWithReceiver>[0],
): void {
  let setting: Setting;
  beforeAll(async () => {
    setting = await sandboxWithReceiver(options);
    take(setting);
  });
  afterEach(() => {
    setting.sandbox.reset();
    setting.receiver.clear();
    setting.receiver.answerWith(200);
  });
  afterAll(() => setting.close());
}

/** A sandbox whose webhooks arrive at a receiver of the test's own. */
export async function sandboxWithReceiver(
  options: Partial<SandboxOptions> & { clock?: SandboxClock } = {},
): Promise<Setting> {
  const { receiver, close: closeReceiver } = await startReceiver();
  const sandbox = await startSandbox({
    port: 0,
    devId: DEV_ID,
    apiKey: API_KEY,
    signingSecret: SECRET,
    webhookUrl: receiver.url,
    ...options,
  });

  const api: Setting['api'] = async (method, path, { body, headers } = {}) =>
    answered(
      await fetch(`${sandbox.apiUrl}${path}`, {
        method,
        redirect: 'manual',
        headers: { 'dev-id': DEV_ID, 'x-api-key': API_KEY, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
  const consent: Setting['consent'] = async (url, decision, form = {}) => {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ decision, ...form }),
    });
    return response.headers.get('location') ?? `status ${response.status}`;
  };
  return {
    sandbox,
    receiver,
    api,
    post: async (path, body) => {
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      return answered(await fetch(`${sandbox.url}${path}`, { method: 'POST', ...text }));
    },
    consent,
    async connected(resource, referenceId, form) {
      const { body } = await api('POST', `/auth/authenticateUser?resource=${resource}`, {
        body: { reference_id: referenceId },
      });
      await consent(String(body['auth_url']), 'approve', form);
      await sandbox.settled();
      return { userId: String(body['user_id']) };
    },
    async close() {
      await sandbox.close();
      await closeReceiver();
    },
  };
}

async function answered(response: Response): Promise<Answered> {
  const text = await response.text();
  const body = /json/.test(response.headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : { text };
  return { status: response.status, headers: response.headers, body };
}

async function startReceiver(): Promise<{ receiver: Receiver; close: () => Promise<void> }> {
  const received: Received[] = [];
  let status: number | 'never' = 200;
  let content = '';
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(Buffer.from(chunk)));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      received.push({ body, headers: request.headers, event: JSON.parse(body) });
      if (status !== 'never') response.writeHead(status).end(content);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    receiver: {
      url: `http://127.0.0.1:${address.port}/hook`,
      received,
      types: () => received.map(({ event }) => event.type),
      answerWith(next, body = '') {
        status = next;
        content = body;
      },
      clear: () => void received.splice(0),
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
