import type { LocalStack } from '../../../local/stack';
import type { Template } from '../../../local/aws/cloudformation/template';
import { startSharedStack } from '../../support/synthesis';
import type { Answer, Answers, Ask, StackWish } from './stack-messages';

/*
 * The local stack in its own process, so that its CPU and memory are measured separately from the load's. Started with
 * `--expose-gc`; answers its parent's messages one after the other.
 */

let stack: LocalStack | undefined;
let turn: Promise<unknown> = Promise.resolve();

process.on('message', (ask: Ask) => {
  turn = turn.then(async () => process.send?.(await answerTo(ask)));
});
process.on('disconnect', () => process.exit());

async function answerTo(ask: Ask): Promise<Answer> {
  try {
    return { ok: true, value: await valueOf(ask) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

async function valueOf(ask: Ask): Promise<Answers[Ask['kind']]> {
  switch (ask.kind) {
    case 'start':
      stack = await start(ask.wish);
      return { apiUrl: stack.apiUrl };
    case 'tokens':
      return Promise.all(ask.names.map(async name => (await stack?.token(name)) ?? ''));
    case 'look': {
      globalThis.gc?.();
      const { heapUsed, rss } = process.memoryUsage();
      const handles = process.getActiveResourcesInfo();
      const sockets = handles.filter(kind => kind === 'TCPSocketWrap').length;
      return { heapBytes: heapUsed, residentBytes: rss, handles: handles.length, sockets };
    }
    case 'close':
      await stack?.close();
      return undefined;
    default:
      return ask satisfies never;
  }
}

const start = ({ throttles, ...wish }: StackWish) =>
  startSharedStack({ ...wish, ...(throttles === 'lifted' && { alter: withoutThrottles }) });

function withoutThrottles(template: Template): Template {
  const Resources = Object.fromEntries(
    Object.entries(template.Resources).map(([id, resource]) => {
      if (resource.Type !== 'AWS::ApiGatewayV2::Stage') return [id, resource];
      const { DefaultRouteSettings: _, RouteSettings: __, ...Properties } = resource.Properties ?? {};
      return [id, { ...resource, Properties }];
    }),
  );
  return { ...template, Resources };
}
