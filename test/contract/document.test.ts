import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorStatus } from '../../functions/core/http/errors';
import { readTerraEvent } from '../../functions/core/terra/terra-event';
import { declaredRoutes } from '../../infra/parts/connect-api';
import { deliveries } from '../../infra/openapi/terra-delivery';
import { openApiText } from '../../infra/openapi/write';
import { type Contract, contract, faultOf, type Operation, pointerTo, resolved } from './contract';

const root = join(__dirname, '../..');
const operations = Object.entries(contract.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test('docs/openapi.json is up to date (`npm run openapi` writes it)', () => {
  expect(readFileSync(join(root, 'docs/openapi.json'), 'utf8') === openApiText()).toBe(true);
});

test('the linter finds nothing with every recommended rule', () => {
  const lint = ['lint', 'docs/openapi.json', '--config', 'infra/openapi/redocly.yaml', '--format', 'json'];
  const output = execFileSync(process.execPath, [join(root, 'node_modules/@redocly/cli/bin/cli.js'), ...lint], {
    cwd: root,
    env: { PATH: process.env.PATH, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    encoding: 'utf8',
    stdio: 'pipe',
  });

  expect(JSON.parse(output)).toMatchObject({ totals: { errors: 0, warnings: 0, ignored: 0 } });
});

test('no rule of the linter is switched off', () => {
  const config = readFileSync(join(root, 'infra/openapi/redocly.yaml'), 'utf8').replace(/^#.*\n/gm, '');

  expect(config).toBe('extends:\n  - recommended-strict\ntelemetry: off\n');
});

test('every route is an operation with its own name, method and path, and there is no other', () => {
  expect(
    operations.map(({ operation, method, path }) => `${operation.operationId} ${method} ${path}`).toSorted(),
  ).toEqual(
    declaredRoutes()
      .map(([name, route]) => `${name} ${route.method.toLowerCase()} ${route.path}`)
      .toSorted(),
  );
});

test.each(declaredRoutes())(
  '%s lists the answers of its route, of every function and of the gateway',
  (name, route) => {
    const { responses } = operationOf(name);
    const codes = [...route.errors, 'internal', 'unavailable'] as const;

    expect(problemsOf(responses)).toEqual(codes.map(code => `${errorStatus[code]} ${code}`).toSorted());
    const successes = Object.keys(responses).filter(status => Number(status) < 400);
    expect(successes).toEqual(Object.keys(route.replies));
    expect(gatewayStatuses(responses)).toEqual(
      {
        user: ['401', '403', '404', ...(route.method === 'POST' ? ['413'] : []), '429', '431', '500', '503', '504'],
        browser: ['404', '429', '431', '500', '503', '504'],
        terra: ['404', '413', '429', '431', '500', '503', '504'],
      }[route.caller],
    );
  },
);

// Repeated on purpose: to say that a route stands open takes an edit here too.
test('user routes need a token, the webhook a signature, and the callbacks nothing', () => {
  const wanted = (path: string) =>
    path.startsWith('/v1/callback/') ? [] : path === '/v1/webhooks/terra' ? [{ terraSignature: [] }] : [{ user: [] }];

  for (const {
    path,
    operation: { security },
  } of operations)
    expect([path, security]).toEqual([path, wanted(path)]);
  expect(contract.components['securitySchemes']).toMatchObject({
    user: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    terraSignature: { type: 'apiKey', in: 'header', name: 'x-terra-signature' },
  });
});

test('every operation, parameter, answer, header, schema, field and enum value is described', () => {
  expect(undescribed(contract)).toEqual([]);
});

test.each(examples())('the example at %s is valid', (_at, schema, value) => {
  expect(faultOf(schema, value)).toBeUndefined();
});

test('every body and every answer has an example', () => {
  const without = contents(contract).filter(({ content }) => Object.keys(content.examples ?? {}).length === 0);

  expect(without.map(({ at }) => at)).toEqual([]);
});

test.each(Object.entries(deliveries))('the example of a delivery %s is parsed as that event', (kind, delivery) => {
  expect(readTerraEvent(Buffer.from(JSON.stringify(delivery)))).toMatchObject({ event: { kind } });
});

test('bodies and answers are named schemas, and each has one name', () => {
  const inline = contents(contract).filter(
    ({ content: { schema }, type }) => type === 'application/json' && !('$ref' in schema),
  );
  const texts = Object.values(contract.components['schemas'] ?? {}).map(schema => JSON.stringify(schema));

  expect(inline).toEqual([]);
  expect(new Set(texts).size).toBe(texts.length);
});

function operationOf(name: string): Operation {
  const found = operations.find(known => known.operation.operationId === name);
  if (!found) throw new Error(`no operation ${name}`);
  return found.operation;
}

type Content = { schema: object; examples?: Record<string, object> };
type Placed = { at: string; type: string; content: Content };

function contentsIn(part: { content?: Record<string, Content> }, at: string): Placed[] {
  return Object.entries(part.content ?? {}).map(([type, content]) => ({
    type,
    content,
    at: at + pointerTo('content', type),
  }));
}

/** Every body and answer with its place in the document, shared answers once for each operation. */
function contents({ paths }: Contract): Placed[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { requestBody = {}, responses }]) => {
      const at = pointerTo('paths', path, method);
      const answers = Object.entries(responses).map(([status, response]) =>
        resolved<{ content?: Record<string, Content> }>(response, at + pointerTo('responses', status)),
      );
      return [
        contentsIn(requestBody, `${at}/requestBody`),
        ...answers.map(found => contentsIn(found.part, found.at)),
      ].flat();
    }),
  );
}

/** Of every body, answer and parameter: where its schema is, and the example's value. */
function examples(): [at: string, schema: string, value: unknown][] {
  const ofContents = contents(contract).flatMap(({ at, content }) =>
    Object.entries(content.examples ?? {}).map(([name, example]): [string, string, unknown] => [
      `${decodeURIComponent(at)}/${name}`,
      `${at}/schema`,
      resolved<{ value?: unknown }>(example, at).part.value,
    ]),
  );
  const ofParameters = operations.flatMap(({ path, method, operation: { parameters = [] } }) =>
    parameters.flatMap(({ name, example }, index): [string, string, unknown][] =>
      example === undefined
        ? []
        : [[`${method} ${path} ${name}`, pointerTo('paths', path, method, 'parameters', index, 'schema'), example]],
    ),
  );
  return [...new Map([...ofContents, ...ofParameters].map(found => [found[0], found])).values()];
}

function problemsOf(responses: Operation['responses']): string[] {
  return Object.entries(responses)
    .flatMap(([status, response]) => {
      const { part } = resolved<{ content?: Record<string, Content> }>(response, '');
      const problem = part.content?.['application/problem+json'];
      const limits = (problem?.schema as { properties?: { status: { const: number }; code: { enum: string[] } } })
        ?.properties;
      expect(limits?.status.const ?? Number(status)).toBe(Number(status));
      return (limits?.code.enum ?? []).map(code => `${status} ${code}`);
    })
    .toSorted();
}

const gatewayStatuses = (responses: Operation['responses']): string[] =>
  Object.entries(responses).flatMap(([status, response]) => {
    const { part } = resolved<{ content?: Record<string, Content> }>(response, '');
    return Number(status) >= 400 && part.content?.['application/json'] ? [status] : [];
  });

/** Places that should say what they mean and do not. */
function undescribed(part: unknown, at = '', inExample = false): string[] {
  if (part === null || typeof part !== 'object') return [];
  const {
    $ref: reference,
    description,
    enum: words,
  } = part as { $ref?: string; description?: string; enum?: string[] };
  const isTold = typeof description === 'string' && description.trim().length > 3;
  const isNamed = /^\/components\/(schemas|responses|headers|securitySchemes)\/[^/]+$/.test(at);
  const mustTell =
    isNamed ||
    /\/(properties|variables|responses|headers)\/[^/]+$/.test(at) ||
    /^\/paths\/[^/]+\/\w+$/.test(at) ||
    /\/(parameters|tags|servers)\/\d+$/.test(at);
  // A limit to a few codes of Problem, which says what they mean.
  const isLimit = /\/content\/[^/]+\/schema\/properties\/\w+$/.test(at);
  const missing = mustTell && !isTold && !reference && !isLimit && !inExample ? [at] : [];
  const unexplained =
    words === undefined || isLimit || inExample || words.every(word => description?.includes(`\`${word}\``))
      ? []
      : [`${at} words`];
  const inner = Object.entries(part).flatMap(([key, value]) => {
    const isExample = inExample || ((key === 'example' || key === 'examples') && !at.endsWith('/properties'));
    return undescribed(value, at + `/${key.replace(/\//g, '~1')}`, isExample);
  });
  return [...missing, ...unexplained, ...inner];
}
