import type * as z from 'zod/mini';
import type { Route } from '../../functions/routes';
import { declaredRoutes, type RouteName } from '../parts/connect-api';
import { operations, tags } from './operations';
import { answeredCodes, errorExamples, errorResponses, errorSchemas } from './problems';
import { jsonSchemas, ref, schemaName } from './schemas';
import { deliveries, deliveryHeaders, deliverySchemas, redirectParameters, signatureScheme } from './terra-delivery';

type OperationText = {
  readonly title: string;
  readonly tag: string;
  readonly description: string;
  readonly path: Readonly<Record<string, { readonly description: string; readonly example: string }>>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly replies: Readonly<
    Record<string, { description: string; location?: string; examples: Readonly<Record<string, unknown>> }>
  >;
};

/** Returns the contract in OpenAPI 3.1, built from `functions/routes.ts` and the texts in this folder. */
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
            'A token of the app’s own sign-in: RS256, RS384 or RS512, from the issuer and for an audience of the deployment’s settings, with the scope if the settings require one. `sub` (1 to 255 bytes) identifies the user.',
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

const introduction = `All times are ISO 8601 in UTC. Bodies are JSON. A POST without a body counts as \`{}\`; an undeclared field is an error.
Optional fields are left out, never \`null\`. Errors are \`application/problem+json\` with a \`code\` from a closed list. Responses of API
Gateway itself only have a \`message\`: use the status. Browsers can call from the origins that the deployment allows, without cookies.`;

const headers = {
  NoStore: {
    description: 'On every response of a function to a signed-in user or a browser.',
    schema: { type: 'string', const: 'no-store' },
  },
  RetryAfter: {
    description:
      'Seconds to wait before repeating the request, a whole number. Comes with `in_progress`, `rate_limited` and `terra_unavailable`.',
    schema: { type: 'integer', minimum: 1 },
    example: 5,
  },
};

/** Sorts routes as in `operations`, because a module's exports are sorted by name. */
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
  const text: OperationText = operations[name];
  const parameters = [...pathParameters(text), ...otherParameters(name)];
  const errors = errorResponses(route).map(({ status, name: response }) => [status, ref('responses', response)]);
  return {
    operationId: name,
    tags: [text.tag],
    summary: text.title,
    description: `${route.summary}.\n\n${text.description}`,
    security: security[route.caller],
    ...(parameters.length > 0 && { parameters }),
    ...requestBody(route, text),
    responses: { ...replies(route, text), ...Object.fromEntries(errors) },
  };
}

const security = { user: [{ user: [] }], browser: [], terra: [{ terraSignature: [] }] } satisfies Record<
  Route['caller'],
  object[]
>;

function pathParameters({ path }: OperationText): object[] {
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
    'Identifies this request: repeating it with the same key and body returns the same session. 1 to 64 visible ASCII characters, for example a UUID. Valid for two days, as long as the session is stored.',
  schema: { type: 'string', minLength: 1, maxLength: 64, pattern: '^[\\x21-\\x7e]{1,64}$' },
  example: 'a2f9d7be-9c52-4b53-8d3f-0f8f2d1f5c57',
};

const otherParameters = (name: RouteName): readonly object[] =>
  ({ createSession: [idempotencyKey], receiveWebhook: deliveryHeaders, ...redirectParameters })[name as string] ?? [];

function requestBody(route: Route, { body: examples = {} }: OperationText): object {
  if (route.caller === 'terra')
    return { requestBody: { required: true, content: json(ref('schemas', 'TerraEvent'), deliveries) } };
  if (route.body === undefined) return {};
  const schema = route.body;
  // Without a body the request counts as `{}`.
  const required = !schema.safeParse({}).success;
  return { requestBody: { required, content: json(ref('schemas', schemaName(schema)), examples) } };
}

function replies({ caller, replies: declared }: Route, text: OperationText): Record<string, object> {
  return Object.fromEntries(
    Object.entries(text.replies).map(([status, { description, location, examples }]) => {
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
