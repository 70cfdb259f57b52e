import { readStack, type Template } from '../../local/aws/cloudformation/template';

const apiUrl = 'http://localhost:4000';

/** What a property of a resource becomes. */
function resolved(value: unknown, rest: Partial<Template> = {}): unknown {
  const Resources = {
    ...rest.Resources,
    Table: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: 'records' } },
    Worker: { Type: 'AWS::Lambda::Function', Properties: {} },
    Key: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'local/key' } },
    Api: { Type: 'AWS::ApiGatewayV2::Api' },
    Subject: { Type: 'Test::Subject', Properties: { value } },
  };
  const [subject] = readStack('stack', { ...rest, Resources }, { apiUrl }).resources('Test::Subject');
  return subject?.properties.value;
}

test.each([
  ['plain values stay', { a: [1, true, 'x', null] }, { a: [1, true, 'x', null] }],
  ['Ref of a table is its name', { Ref: 'Table' }, 'records'],
  ['Ref of an unnamed function is made from stack and logical id', { Ref: 'Worker' }, 'stack-Worker'],
  [
    'Ref of a secret is its ARN',
    { Ref: 'Key' },
    'arn:aws:secretsmanager:us-east-1:000000000000:secret:local/key-local0',
  ],
  ['GetAtt as a list', { 'Fn::GetAtt': ['Table', 'Arn'] }, 'arn:aws:dynamodb:us-east-1:000000000000:table/records'],
  ['GetAtt as a text', { 'Fn::GetAtt': 'Worker.Arn' }, 'arn:aws:lambda:us-east-1:000000000000:function:stack-Worker'],
  ['the API answers where it really does', { 'Fn::GetAtt': ['Api', 'ApiEndpoint'] }, apiUrl],
  ['Join of references', { 'Fn::Join': ['/', ['integrations', { Ref: 'Table' }, 7]] }, 'integrations/records/7'],
  [
    'Sub of a reference and an attribute',
    { 'Fn::Sub': '${Table}|${Table.Arn}' },
    expect.stringMatching(/^records\|arn:/),
  ],
  [
    'Sub with variables of its own',
    { 'Fn::Sub': ['${who} in ${AWS::Region}', { who: { Ref: 'Table' } }] },
    'records in us-east-1',
  ],
  ['Sub leaves ${!Literal}', { 'Fn::Sub': '${!Literal}' }, '${Literal}'],
  ['Select of Split', { 'Fn::Select': [2, { 'Fn::Split': [':', { 'Fn::GetAtt': ['Table', 'Arn'] }] }] }, 'dynamodb'],
  ['Select by a text index', { 'Fn::Select': ['1', ['a', 'b']] }, 'b'],
  ['pseudo parameters', [{ Ref: 'AWS::AccountId' }, { Ref: 'AWS::StackName' }], ['000000000000', 'stack']],
  ['AWS::NoValue leaves a property out', { kept: 1, gone: { Ref: 'AWS::NoValue' } }, { kept: 1 }],
  [
    'Condition inside a policy is an ordinary property',
    { Condition: { Bool: { a: 'b' } } },
    { Condition: { Bool: { a: 'b' } } },
  ],
])('%s', (_, value, expected) => {
  expect(resolved(value)).toStrictEqual(expected);
});

test('parameters resolve to their defaults, and mappings and conditions are applied', () => {
  const rest = {
    Parameters: { Stage: { Default: 'dev' } },
    Mappings: { Sizes: { dev: { memory: 128 }, prod: { memory: 1024 } } },
    Conditions: {
      IsDev: { 'Fn::Equals': [{ Ref: 'Stage' }, 'dev'] },
      IsProd: { 'Fn::Not': [{ Condition: 'IsDev' }] },
      Both: { 'Fn::And': [{ Condition: 'IsDev' }, { Condition: 'IsProd' }] },
      Either: { 'Fn::Or': [{ Condition: 'IsDev' }, { Condition: 'IsProd' }] },
    },
    Resources: {},
  };

  expect(resolved({ 'Fn::FindInMap': ['Sizes', { Ref: 'Stage' }, 'memory'] }, rest)).toBe(128);
  expect(resolved({ 'Fn::If': ['IsDev', 'a', 'b'] }, rest)).toBe('a');
  expect(resolved({ 'Fn::If': ['IsProd', 'a', { Ref: 'Table' }] }, rest)).toBe('records');
  expect(resolved({ 'Fn::If': ['Both', 'a', 'b'] }, rest)).toBe('b');
  expect(resolved({ 'Fn::If': ['Either', 'a', 'b'] }, rest)).toBe('a');
});

test('a resource whose condition does not hold does not exist', () => {
  const stack = readStack(
    'stack',
    {
      Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
      Resources: { Gone: { Type: 'Test::Subject', Condition: 'Never' }, Here: { Type: 'Test::Subject' } },
    },
    { apiUrl },
  );

  expect(stack.resources('Test::Subject').map(({ logicalId }) => logicalId)).toEqual(['Here']);
});

test('outputs are resolved', () => {
  const stack = readStack(
    'stack',
    {
      Resources: { Api: { Type: 'AWS::ApiGatewayV2::Api' } },
      Outputs: {
        WebhookUrl: { Value: { 'Fn::Join': ['', [{ 'Fn::GetAtt': ['Api', 'ApiEndpoint'] }, '/v1/webhooks/terra']] } },
      },
    },
    { apiUrl },
  );

  expect(stack.outputs()).toEqual({ WebhookUrl: 'http://localhost:4000/v1/webhooks/terra' });
});

test.each([
  ['a reference to nothing', { Ref: 'Nobody' }, /refers to Nobody/],
  [
    'an attribute that is not emulated',
    { 'Fn::GetAtt': ['Table', 'LargeHadron'] },
    /LargeHadron of a AWS::DynamoDB::Table/,
  ],
  ['a function that is not emulated', { 'Fn::ImportValue': 'other' }, /Fn::ImportValue, which is not emulated/],
])('%s is refused by name', (_, value, complaint) => {
  expect(() => resolved(value)).toThrow(complaint);
});
