import * as z from 'zod';
import { SECOND } from '../functions/core/platform/clock';
import type { Deployment } from './deployment';
import { OperatorError } from './failure';

/** Path under which the local stack serves its description. */
export const DESCRIPTION_PATH = '/_local/deployment';

/** The stack's outputs and resources, and the endpoints of the emulated services. Contains no secrets. */
export const LocalDescription = z.object({
  name: z.string(),
  startedAt: z.number(),
  outputs: z.record(z.string(), z.string()),
  functions: z.array(
    z.object({
      title: z.string(),
      environment: z.record(z.string(), z.string()),
      lastRunAt: z.number().optional(),
    }),
  ),
  queues: z.array(z.object({ id: z.string(), url: z.string() })),
  region: z.string(),
  endpoints: z.object({ dynamodb: z.url(), secretsmanager: z.url(), sqs: z.url(), events: z.url() }),
  /** Made up: the emulated services use the key only to tell callers apart. */
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
});
export type LocalDescription = z.infer<typeof LocalDescription>;

/** Describes the local stack on this port. @throws OperatorError if there is none. */
export async function localDeployment(port: number): Promise<Deployment> {
  const description = await describe(port);
  const { name, startedAt, outputs, functions, queues, region, endpoints, credentials } = description;
  return {
    platform: 'local',
    name: `${name} on port ${port}`,
    outputs,
    functions,
    queues,
    since: startedAt,
    clientOptions: service => ({ region, credentials, endpoint: endpoints[service] }),
    lastRunOf: async title => functions.find(known => known.title === title)?.lastRunAt,
  };
}

async function describe(port: number): Promise<LocalDescription> {
  const url = `http://localhost:${port}${DESCRIPTION_PATH}`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(5 * SECOND), redirect: 'error' }).catch(() => {
    throw new OperatorError(
      `No local stack answers on port ${port}`,
      'Start it with `npm start`, or name its port: --local PORT.',
    );
  });
  const described = LocalDescription.safeParse(await answer.json().catch(() => undefined));
  if (described.success) return described.data;
  throw new OperatorError(
    `The server on port ${port} is not the local stack`,
    'Name the port of the API and the demo page: --local PORT.',
  );
}
