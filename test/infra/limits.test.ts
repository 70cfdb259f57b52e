import { at, type Json, lambdas, object, only, resources, templateWith, text, word } from './template';

const template = templateWith();
const everything = templateWith({
  encryption: 'customer',
  alarmEmail: 'ops@example.com',
  domain: { name: 'connect.example.com', certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/0a-1b' },
});

test('a function behind the API reaches its Lambda timeout, and is logged, before the gateway’s', () => {
  const timeouts = lambdas(template).map(([, { Timeout }, id]) => [id, Number(Timeout)] as const);

  for (const [, { Properties }] of resources(template, 'AWS::ApiGatewayV2::Integration')) {
    const [, timeout = Number.POSITIVE_INFINITY] =
      timeouts.find(([id]) => text(Properties['IntegrationUri']).includes(id)) ?? [];
    expect(timeout * 1000).toBeLessThan(Number(Properties['TimeoutInMillis']));
  }
  for (const [, timeout] of timeouts) expect(timeout).toBeLessThanOrEqual(60);
});

test('only the domain depends on the stage: the public URL is that of the API', () => {
  const [[stage] = ['']] = resources(template, 'AWS::ApiGatewayV2::Stage');
  const [[api] = ['']] = resources(template, 'AWS::ApiGatewayV2::Api');
  const [, create] = lambdas(template).find(([name]) => name === 'create-session') ?? [];

  for (const found of [template, everything]) {
    const waiting = Object.entries(found.Resources).filter(([id, rest]) => id !== stage && holds(rest, stage));
    expect(waiting.map(([, { Type }]) => Type)).toEqual(found === template ? [] : ['AWS::ApiGatewayV2::ApiMapping']);
  }
  expect(JSON.stringify(at(create?.['Environment'], 'Variables', 'CALLBACK_BASE'))).toContain(
    `{"Fn::GetAtt":["${api}","ApiEndpoint"]}`,
  );
});

test('the access log has no path, query, address, claim, header or user agent', () => {
  const { Format } = object(only(template, 'AWS::ApiGatewayV2::Stage')['AccessLogSettings']);

  expect(text(Format)).not.toMatch(/path|query|sourceIp|authorizer|claims|header|userAgent|identity|\$input/i);
});

test('the API is the only entry: no function has a URL, and no permission is public', () => {
  for (const found of [template, everything]) {
    expect(resources(found, 'AWS::Lambda::Url')).toEqual([]);
    for (const [, { Properties }] of resources(found, 'AWS::Lambda::Permission')) {
      expect(Properties['Principal']).toBe('apigateway.amazonaws.com');
      expect(Properties).toHaveProperty('SourceArn');
    }
  }
});

test('statements for every principal only deny', () => {
  const open = Object.entries(everything.Resources).flatMap(([id, { Properties }]) =>
    [at(Properties, 'PolicyDocument', 'Statement') ?? at(Properties, 'KeyPolicy', 'Statement') ?? []]
      .flat()
      .filter(statement => isEveryone(at(statement, 'Principal')) && at(statement, 'Effect') !== 'Deny')
      .map(() => id),
  );

  expect(open).toEqual([]);
});

test('no origin, header or method of CORS is `*`', () => {
  expect(JSON.stringify(only(template, 'AWS::ApiGatewayV2::Api')['CorsConfiguration'])).not.toContain('*');
});

test('with a domain the API answers only there, with TLS 1.2 or newer', () => {
  expect(only(everything, 'AWS::ApiGatewayV2::Api')['DisableExecuteApiEndpoint']).toBe(true);
  expect(only(template, 'AWS::ApiGatewayV2::Api')['DisableExecuteApiEndpoint']).toBe(false);
  expect(at(only(everything, 'AWS::ApiGatewayV2::DomainName'), 'DomainNameConfigurations', 0, 'SecurityPolicy')).toBe(
    'TLS_1_2',
  );
});

test('no function reads from a queue', () => {
  for (const [, { Properties }] of resources(template, 'AWS::Lambda::EventSourceMapping')) {
    expect(word(template, Properties['EventSourceArn'])).toMatch(/\/stream$/);
  }
});

test('every function logs into a declared group with a retention, encrypted by the customer key if there is one', () => {
  const groups = resources(everything, 'AWS::Logs::LogGroup');

  expect(groups).toHaveLength(lambdas(everything).length + 1);
  for (const [, { Properties }] of groups) {
    expect(Number(Properties['RetentionInDays'])).toBeGreaterThan(0);
    expect(Properties).toHaveProperty('KmsKeyId');
  }
});

test('tracing and reserved concurrency are off unless configured', () => {
  for (const [, properties] of lambdas(template)) {
    expect(properties).not.toHaveProperty('TracingConfig');
    expect(properties).not.toHaveProperty('ReservedConcurrentExecutions');
  }
});

test('the template has no resource that could break, copy or observe a deployment', () => {
  const types = new Set(Object.values(everything.Resources).map(({ Type }) => Type.split('::').slice(0, 2).join('::')));

  expect([...types].toSorted()).toEqual([
    'AWS::ApiGatewayV2',
    'AWS::CloudWatch',
    'AWS::DynamoDB',
    'AWS::Events',
    'AWS::IAM',
    'AWS::KMS',
    'AWS::Lambda',
    'AWS::Logs',
    'AWS::SNS',
    'AWS::SQS',
    'AWS::Scheduler',
    'AWS::SecretsManager',
  ]);
});

test('the key can be used only by its services for this account', () => {
  const statements = [at(only(everything, 'AWS::KMS::Key'), 'KeyPolicy', 'Statement') ?? []].flat();
  const services = statements.flatMap(statement => {
    const service = at(statement, 'Principal', 'Service');
    return service === undefined ? [] : [[word(everything, service), Object.keys(object(at(statement, 'Condition')))]];
  });

  expect(services).toEqual([
    [expect.stringMatching(/^logs\./), ['ArnLike']],
    ['cloudwatch.amazonaws.com', ['StringEquals']],
  ]);
});

test('a function uses the key only through the service that encrypts with it', () => {
  const uses = resources(everything, 'AWS::IAM::Policy').flatMap(([, { Properties }]) =>
    [at(Properties, 'PolicyDocument', 'Statement') ?? []]
      .flat()
      .filter(statement => text(at(statement, 'Action')).includes('kms:')),
  );

  expect(uses.length).toBeGreaterThan(lambdas(everything).length);
  for (const use of uses) expect(at(use, 'Condition', 'StringEquals', 'kms:ViaService')).toBeDefined();
});

const holds = (value: unknown, id: string): boolean => JSON.stringify(value).includes(`"${id}"`);

const isEveryone = (principal: Json | undefined): boolean => principal === '*' || at(principal, 'AWS') === '*';
