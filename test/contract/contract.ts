import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ValidateFunction } from 'ajv';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { problems } from '../../infra/openapi/problems';

type Content = { schema: object; examples?: Record<string, { value?: unknown; $ref?: string }> };
type Header = { required?: boolean; schema?: object };
export type Response = {
  description: string;
  headers?: Record<string, Header | { $ref: string }>;
  content?: Record<string, Content>;
};
export type Operation = {
  operationId: string;
  summary: string;
  description: string;
  security: object[];
  parameters?: { name: string; in: string; description: string; schema: object; example?: unknown }[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, Response | { $ref: string }>;
};
export type Contract = {
  openapi: string;
  info: { version: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, object>>;
};

/** `docs/openapi.json`, as it is committed. */
export const contract = JSON.parse(readFileSync(join(__dirname, '../../docs/openapi.json'), 'utf8')) as Contract;

/** The answer to a request to the API. */
export type Answered = {
  method: string;
  /** Without the query. */
  path: string;
  status: number;
  headers: Headers;
  body: string;
};

/** Which of the declared answers it was: `readSession 404 not_found`, `readSession 404 gateway`, `readSession 200`. */
export type Seen = string;

const DOCUMENT = 'contract.json';
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema({ $id: DOCUMENT, ...contract });
const compiled = new Map<string, ValidateFunction>();

/** What is wrong with a value, by the schema at this place of the document; undefined if nothing is. */
export function faultOf(pointer: string, value: unknown): string | undefined {
  const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `${DOCUMENT}#${pointer}` });
  compiled.set(pointer, validate);
  return validate(value) ? undefined : ajv.errorsText(validate.errors, { dataVar: 'body' });
}

/** Where a key is in a JSON pointer, in the form of a URI fragment. */
export const pointerTo = (...keys: readonly (string | number)[]): string =>
  keys.map(key => `/${encodeURIComponent(`${key}`.replace(/~/g, '~0').replace(/\//g, '~1'))}`).join('');

/** What a part of the document refers to, and where that is. */
export function resolved<T extends object>(part: T | { $ref: string }, at: string): { part: T; at: string } {
  if (!('$ref' in part)) return { part, at };
  const keys = part.$ref.split('/').slice(1);
  const found = keys.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], contract);
  return { part: found as T, at: pointerTo(...keys) };
}

const operations = Object.entries(contract.paths).flatMap(([template, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    pattern: new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`),
    method: method.toUpperCase(),
    operation,
    at: pointerTo('paths', template, method),
  })),
);

/** Holds an answer of the running API against the document; throws where it is not one of the declared ones. */
export function checkAnswer(answered: Answered): Seen {
  const { method, path, status, headers } = answered;
  const fail = (what: string): never => {
    throw new Error(`${method} ${path.replace(/callback\/[^/]+/, 'callback/…')} → ${status}: ${what}`);
  };
  const [contentType = ''] = (headers.get('content-type') ?? '').split(';');
  const found = operations.find(known => known.method === method && known.pattern.test(path));
  if (!found) {
    const fault = faultOf('/components/schemas/GatewayMessage', parsed(answered.body));
    return status === 404 && fault === undefined ? 'no route 404 gateway' : fail('no such operation is declared');
  }
  const declared = found.operation.responses[status] ?? fail('the status is not declared');
  const { part: response, at } = resolved<Response>(declared, `${found.at}${pointerTo('responses', status)}`);

  checkHeaders(response, headers, fail);
  const seen = `${found.operation.operationId} ${status}`;
  if (response.content === undefined) return answered.body === '' ? seen : fail('there is a body');
  if (!(contentType in response.content)) fail(`the content type ${contentType} is not declared`);
  const isText = contentType.startsWith('text/');
  const body = isText ? answered.body : parsed(answered.body);
  const fault = faultOf(`${at}${pointerTo('content', contentType, 'schema')}`, body);
  if (fault !== undefined) fail(`${fault} in ${answered.body.slice(0, 500)}`);
  if (contentType === 'application/problem+json')
    return `${seen} ${checkProblem(found.operation, body, headers, fail)}`;
  return status >= 400 ? `${seen} gateway` : seen;
}

function checkHeaders({ headers = {} }: Response, sent: Headers, fail: (what: string) => never): void {
  for (const [name, declared] of Object.entries(headers)) {
    const { part } = resolved<Header>(declared, '');
    const text = sent.get(name);
    if (text === null && part.required) fail(`the header ${name} is missing`);
    const isNumber = part.schema !== undefined && 'type' in part.schema && part.schema.type === 'integer';
    if (text !== null && part.schema && !ajv.validate(part.schema, isNumber ? Number(text) : text)) {
      fail(`the header ${name} is ${text}`);
    }
  }
}

/** A function's own problem; its code. Which headers come with it depends on the code and the caller. */
function checkProblem({ security }: Operation, body: unknown, headers: Headers, fail: (what: string) => never): string {
  const { code } = body as { code: keyof typeof problems };
  const isForUser = security.some(scheme => 'user' in scheme);
  if (isForUser && headers.get('cache-control') !== 'no-store') fail('the answer may be cached');
  const wanted = problems[code].comesWith !== undefined;
  if (headers.has('retry-after') !== wanted) fail(`Retry-After is ${wanted ? 'missing' : 'not declared'} with ${code}`);
  return code;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Every answer the document declares, in the form of `Seen`. */
export function declaredAnswers(): Seen[] {
  return operations.flatMap(({ operation, at }) =>
    Object.entries(operation.responses).flatMap(([status, declared]) => {
      const { part } = resolved<Response>(declared, at);
      const seen = `${operation.operationId} ${status}`;
      if (Number(status) < 400) return [seen];
      return Object.entries(part.content ?? {}).flatMap(([type, { examples = {} }]) =>
        type === 'application/problem+json'
          ? Object.keys(examples).map(code => `${seen} ${code}`)
          : [`${seen} gateway`],
      );
    }),
  );
}
