import { decide, type Decision, type Need, readStatements } from '../../local/aws/iam/permissions';

const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/records';
const query: Need = { action: 'dynamodb:Query', resource: TABLE };
const queryDue: Need = { action: 'dynamodb:Query', resource: `${TABLE}/index/due` };
const decrypt: Need = { action: 'kms:Decrypt', resource: 'arn:aws:kms:us-east-1:000000000000:key/k' };

const allow = (Action: unknown, Resource: unknown, more: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
});
const deny = (Action: unknown, Resource: unknown) => ({ Effect: 'Deny', Action, Resource });
const only = (service: unknown) => ({ Condition: { StringEquals: { 'kms:ViaService': service } } });
const read = (...statements: object[]) => readStatements('P', { Version: '2012-10-17', Statement: statements });

test.each<[string, object[], Need, Decision]>([
  ['nothing is allowed by nothing', [], query, 'not allowed'],
  ['an action on a table', [allow('dynamodb:Query', TABLE)], query, 'allowed'],
  ['another action', [allow('dynamodb:Scan', TABLE)], query, 'not allowed'],
  ['another table', [allow('dynamodb:Query', `${TABLE}2`)], query, 'not allowed'],
  ['an action that only begins alike', [allow('dynamodb:Que', TABLE)], query, 'not allowed'],
  ['a table does not include its indexes', [allow('dynamodb:Query', TABLE)], queryDue, 'not allowed'],
  ['an index does not include its table', [allow('dynamodb:Query', `${TABLE}/index/due`)], query, 'not allowed'],
  ['an index by name', [allow('dynamodb:Query', `${TABLE}/index/due`)], queryDue, 'allowed'],
  ['any index', [allow('dynamodb:Query', `${TABLE}/index/*`)], queryDue, 'allowed'],
  ['lists of both', [allow(['dynamodb:Scan', 'dynamodb:Query'], ['arn:x', TABLE])], query, 'allowed'],
  ['actions in any case', [allow('DynamoDB:query', TABLE)], query, 'allowed'],
  ['resources in their own case only', [allow('dynamodb:Query', TABLE.toUpperCase())], query, 'not allowed'],
  ['any action of a service', [allow('dynamodb:*', TABLE)], query, 'allowed'],
  ['any action of another service', [allow('sqs:*', TABLE)], query, 'not allowed'],
  ['actions that begin so', [allow('dynamodb:Q*', '*')], query, 'allowed'],
  ['anything', [allow('*', '*')], query, 'allowed'],
  ['a question mark is one character', [allow('dynamodb:Quer?', `${TABLE.slice(0, -1)}?`)], query, 'allowed'],
  ['a question mark is not none', [allow('dynamodb:Query?', TABLE)], query, 'not allowed'],
  [
    'a star inside a segment ends with it',
    [allow('dynamodb:Query', 'arn:aws:dynamo*b:*/records')],
    query,
    'not allowed',
  ],
  [
    'a star that ends a segment may reach on',
    [allow('dynamodb:Query', 'arn:aws:dynamodb:*:table/records')],
    query,
    'allowed',
  ],
  [
    'what looks like an expression is text',
    [allow('dynamodb:Query', TABLE.replace('records', '(rec|x).rds'))],
    query,
    'not allowed',
  ],
  ['a dot is a dot', [allow('dynamodb:Quer.', `${TABLE.slice(0, -2)}.*`)], query, 'not allowed'],
  ['a denial wins over an allowance before it', [allow('*', '*'), deny('dynamodb:Query', TABLE)], query, 'denied'],
  [
    'a denial wins over an allowance after it',
    [deny('dynamodb:*', '*'), allow('dynamodb:Query', TABLE)],
    query,
    'denied',
  ],
  ['a denial of something else', [allow('*', '*'), deny('dynamodb:Scan', TABLE)], query, 'allowed'],
  ['a denial of the index', [allow('dynamodb:*', '*'), deny('dynamodb:*', `${TABLE}/index/*`)], query, 'allowed'],
  [
    'no resource is only for stars',
    [allow('dynamodb:ListTables', '*')],
    { action: 'dynamodb:ListTables', resource: '*' },
    'allowed',
  ],
  [
    'no resource is none of the named',
    [allow('dynamodb:ListTables', TABLE)],
    { action: 'dynamodb:ListTables', resource: '*' },
    'not allowed',
  ],
  ['a key through its service', [allow('kms:Decrypt', '*', only('sqs'))], { ...decrypt, via: 'sqs' }, 'allowed'],
  [
    'a key through one of its services',
    [allow('kms:Decrypt', '*', only(['sqs', 's3']))],
    { ...decrypt, via: 's3' },
    'allowed',
  ],
  ['a key through another service', [allow('kms:Decrypt', '*', only('sqs'))], { ...decrypt, via: 's3' }, 'not allowed'],
  ['a key without a service', [allow('kms:Decrypt', '*', only('sqs'))], decrypt, 'not allowed'],
])('%s', (_what, statements, need, decision) => {
  expect(decide(read(...statements), need)).toBe(decision);
});

test('a document with one statement needs no list', () => {
  const statements = readStatements('P', { Statement: allow('dynamodb:Query', TABLE) });

  expect(statements).toEqual([{ effect: 'Allow', actions: ['dynamodb:Query'], resources: [TABLE] }]);
});

test.each<[string, object, string]>([
  ['NotAction', { Effect: 'Allow', NotAction: 'x', Resource: '*' }, 'NotAction'],
  ['NotResource', { Effect: 'Allow', Action: 'x', NotResource: '*' }, 'NotResource'],
  ['a principal', allow('x', '*', { Principal: '*' }), 'Principal'],
  ['no effect', { Action: 'x', Resource: '*' }, 'the effect undefined'],
  ['no action', { Effect: 'Allow', Resource: '*' }, 'a statement without an Action or a Resource'],
  ['no resource', { Effect: 'Allow', Action: 'x' }, 'a statement without an Action or a Resource'],
  ['a variable', allow('x', 'arn:${aws:username}'), 'the variable in arn:${aws:username}'],
  [
    'a condition on items',
    allow('x', '*', { Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': 'a' } } }),
    'the condition ForAllValues:StringEquals dynamodb:LeadingKeys',
  ],
  [
    'a second condition',
    allow('x', '*', { Condition: { StringEquals: { 'kms:ViaService': 'a', 'aws:SourceIp': 'b' } } }),
    'the condition StringEquals aws:SourceIp',
  ],
])('%s is refused by name', (_what, statement, named) => {
  expect(() => read(statement)).toThrow(`The policy P uses ${named}, which is not emulated`);
});
