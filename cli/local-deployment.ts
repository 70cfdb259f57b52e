import * as z from 'zod';
import { SECOND } from '../functions/core/platform/clock';
import type { Deployment } from './deployment';
import { OperatorError } from './failure';

/** Where the running local stack tells of itself. */
export const DESCRIPTION_PATH = '/_local/deployment';

/** What it tells: a stack's outputs and resources, and where the emulated services answer. Nothing in it is secret. */
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
  /** Made up: the emulated services only tell callers apart by it. */
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
});
export type LocalDescription = z.infer<typeof LocalDescription>;

/** The local stack that runs on this port. */
export async function localDeployment(port: number): Promise<Deployment> {
  const description = await describe(port);
  const { name, startedAt, outputs, functions, queues, region, endpoints, credentials } = description;
  return {
    place: 'local',
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
    `What answers on port ${port} is not the local stack`,
    'Name the port of the API, the one the demo page is on: --local PORT.',
  );
}
