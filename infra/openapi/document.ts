import type * as z from 'zod/mini';
import type { Route } from '../../functions/routes';
import { declaredRoutes, type RouteName } from '../parts/connect-api';
import { operations, tags } from './operations';
import { answeredCodes, errorExamples, errorResponses, errorSchemas } from './problems';
import { jsonSchemas, ref, schemaName } from './schemas';
import { deliveries, deliveryHeaders, deliverySchemas, redirectParameters, signatureScheme } from './terra-delivery';

type Told = {
  readonly title: string;
  readonly tag: string;
  readonly description: string;
  readonly path: Readonly<Record<string, { readonly description: string; readonly example: string }>>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly replies: Readonly<
    Record<string, { description: string; location?: string; examples: Readonly<Record<string, unknown>> }>
  >;
};

/** The contract in OpenAPI 3.1, made from `functions/routes.ts` and what this folder says of it. */
export function openApiDocument(version: string): object {
  const routes = inReadingOrder();
  const declared = routes.map(([, route]) => route);
  const codes = answeredCodes(declared);
  const responses = declared.flatMap(errorResponses).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    openapi: '3.1.0',
    info: {
      title: 'terra-connect',
      version,
      summary: 'Connects the end users of an app to wearables and health apps through Terra.',
      description: introduction,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      {
        url: '{apiUrl}',
        description: 'A deployment, or the local stack at http://localhost:4000.',
        variables: {
          apiUrl: {
            default: 'https://connect.example.com',
            description: 'The ApiUrl that cdk deploy prints, without a slash at the end.',
          },
        },
      },
    ],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths: paths(routes),
    components: {
      securitySchemes: {
        user: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description:
            'A token of the app’s own sign-in: RS256, RS384 or RS512, from the issuer and for an audience of the deployment’s settings, with its scope where they demand one. `sub` (1 to 255 bytes) tells the user.',
        },
        terraSignature: signatureScheme,
      },
      schemas: { ...jsonSchemas(), ...errorSchemas, ...deliverySchemas },
      responses: Object.fromEntries(responses.map(({ name, response }) => [name, response])),
      headers,
      examples: errorExamples(codes),
    },
  };
}

const introduction = `Every time is ISO 8601 in UTC. Bodies are JSON; a POST without a body counts as \`{}\`, a field that is not declared is an error.
Optional fields are left out, never \`null\`. Errors are \`application/problem+json\` with a \`code\` from a closed list; what API Gateway answers
by itself has only a \`message\`: go by the status. Browsers may call from the origins the deployment allows, without cookies.`;

const headers = {
  NoStore: {
    description: 'On every answer a function gives to a signed-in user or a browser.',
    schema: { type: 'string', const: 'no-store' },
  },
  RetryAfter: {
    description:
      'Whole seconds to wait before the request is repeated. With `in_progress`, `rate_limited` and `terra_unavailable`.',
    schema: { type: 'integer', minimum: 1 },
    example: 5,
  },
};

/** A module's exports have no order of their own. */
function inReadingOrder(): [RouteName, Route][] {
  const names = Object.keys(operations);
  return declaredRoutes().toSorted(([a], [b]) => names.indexOf(a) - names.indexOf(b));
}

function paths(routes: readonly [RouteName, Route][]): Record<string, object> {
  const byPath: Record<string, object> = {};
  for (const [name, route] of routes) {
    byPath[route.path] = { ...byPath[route.path], [route.method.toLowerCase()]: operation(name, route) };
  }
  return byPath;
}

function operation(name: RouteName, route: Route): object {
  const told: Told = operations[name];
  const parameters = [...pathParameters(told), ...otherParameters(name)];
  const errors = errorResponses(route).map(({ status, name: response }) => [status, ref('responses', response)]);
  return {
    operationId: name,
    tags: [told.tag],
    summary: told.title,
    description: `${route.summary}.\n\n${told.description}`,
    security: security[route.caller],
    ...(parameters.length > 0 && { parameters }),
    ...requestBody(route, told),
    responses: { ...replies(route, told), ...Object.fromEntries(errors) },
  };
}

const security = { user: [{ user: [] }], browser: [], terra: [{ terraSignature: [] }] } satisfies Record<
  Route['caller'],
  object[]
>;

function pathParameters({ path }: Told): object[] {
  return Object.entries(path).map(([name, { description, example }]) => ({
    name,
    in: 'path',
    required: true,
    description,
    schema: { type: 'string', minLength: 1 },
    example,
  }));
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Names this request, so that repeating it with the same body gives the same session: 1 to 64 visible ASCII characters, best a UUID. It lives as long as the session’s row, two days.',
  schema: { type: 'string', minLength: 1, maxLength: 64, pattern: '^[\\x21-\\x7e]{1,64}$' },
  example: 'a2f9d7be-9c52-4b53-8d3f-0f8f2d1f5c57',
};

const otherParameters = (name: RouteName): readonly object[] =>
  ({ createSession: [idempotencyKey], receiveWebhook: deliveryHeaders, ...redirectParameters })[name as string] ?? [];

function requestBody(route: Route, { body: examples = {} }: Told): object {
  if (route.caller === 'terra')
    return { requestBody: { required: true, content: json(ref('schemas', 'TerraEvent'), deliveries) } };
  if (route.body === undefined) return {};
  const schema = route.body;
  // Without a body the request counts as `{}`.
  const required = !schema.safeParse({}).success;
  return { requestBody: { required, content: json(ref('schemas', schemaName(schema)), examples) } };
}

function replies({ caller, replies: declared }: Route, told: Told): Record<string, object> {
  return Object.fromEntries(
    Object.entries(told.replies).map(([status, { description, location, examples }]) => {
      const schema = declared[Number(status)] ?? 'page';
      const sent = {
        ...(location !== undefined && { Location: locationHeader(location) }),
        ...(caller !== 'terra' && { 'Cache-Control': { ...headers.NoStore, required: true } }),
      };
      return [
        status,
        {
          description,
          ...(Object.keys(sent).length > 0 && { headers: sent }),
          ...(status !== '303' && { content: replyContent(schema, examples) }),
        },
      ];
    }),
  );
}

const locationHeader = (description: string) => ({
  required: true,
  description,
  schema: { type: 'string', format: 'uri-reference' },
});

function replyContent(schema: z.ZodMiniType | 'page', examples: Readonly<Record<string, unknown>>): object {
  return schema === 'page'
    ? { 'text/html': { schema: { type: 'string' }, examples: named(examples) } }
    : json(ref('schemas', schemaName(schema)), examples);
}

const json = (schema: object, examples: Readonly<Record<string, unknown>>) => ({
  'application/json': { schema, examples: named(examples) },
});

const named = (examples: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }]));
