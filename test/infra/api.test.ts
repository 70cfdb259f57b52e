import { at, object, only, type Properties, resources, templateWith, text, word } from './template';

const template = templateWith();
const api = (found = template) => only(found, 'AWS::ApiGatewayV2::Api');
const stage = only(template, 'AWS::ApiGatewayV2::Stage');

// Repeated on purpose: to open a route to strangers takes an edit here too, and a reviewer.
test('the API has exactly these routes, and only these need no token', () => {
  const routes = resources(template, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => [
    text(Properties['RouteKey']),
    `${text(Properties['AuthorizationType'])} ${functionOf(Properties)}`,
  ]);

  expect(Object.fromEntries(routes)).toEqual({
    'POST /v1/sessions': 'JWT CreateSession',
    'GET /v1/sessions/{id}': 'JWT ReadState',
    'POST /v1/sessions/{id}/confirm': 'JWT ConfirmSession',
    'POST /v1/tokens': 'JWT MintToken',
    'GET /v1/connections': 'JWT ReadState',
    'GET /v1/connections/{id}': 'JWT ReadState',
    'DELETE /v1/connections/{id}': 'JWT Disconnect',
    'DELETE /v1/me': 'JWT Disconnect',
    'GET /v1/providers': 'JWT ListProviders',
    'GET /v1/callback/{state}/success': 'NONE CompleteCallback',
    'GET /v1/callback/{state}/failure': 'NONE CompleteCallback',
    'POST /v1/webhooks/terra': 'NONE ReceiveWebhook',
  });
});

test('the authorizer requires the configured issuer and audience, from the Authorization header', () => {
  const [[id] = []] = resources(template, 'AWS::ApiGatewayV2::Authorizer');

  expect(only(template, 'AWS::ApiGatewayV2::Authorizer')).toMatchObject({
    AuthorizerType: 'JWT',
    IdentitySource: ['$request.header.Authorization'],
    JwtConfiguration: { Issuer: 'https://login.example.com/', Audience: ['my-app'] },
  });
  for (const [, { Properties }] of guarded()) expect(Properties['AuthorizerId']).toEqual({ Ref: id });
});

test('a configured scope is required on every protected route, and on no other', () => {
  const scoped = templateWith({ scope: 'connect' });

  for (const [, { Properties }] of resources(scoped, 'AWS::ApiGatewayV2::Route')) {
    expect(Properties['AuthorizationScopes']).toEqual(
      Properties['AuthorizationType'] === 'JWT' ? ['connect'] : undefined,
    );
  }
  for (const [, { Properties }] of guarded()) expect(Properties).not.toHaveProperty('AuthorizationScopes');
});

test('every integration uses payload format 2.0 and has a longer timeout than its function', () => {
  for (const [, { Properties }] of resources(template, 'AWS::ApiGatewayV2::Integration')) {
    expect(Properties).toMatchObject({
      IntegrationType: 'AWS_PROXY',
      PayloadFormatVersion: '2.0',
      TimeoutInMillis: 15000,
    });
  }
});

test('the gateway can invoke a function for this API and one path only', () => {
  const permissions = resources(template, 'AWS::Lambda::Permission');

  expect(permissions).toHaveLength(12);
  for (const [, { Properties }] of permissions) {
    expect(Properties).toMatchObject({ Action: 'lambda:InvokeFunction', Principal: 'apigateway.amazonaws.com' });
    expect(word(template, Properties['SourceArn'])).toMatch(/ConnectApi\/\*\/\*\/v1\/[a-z]/);
  }
});

test('browsers on the configured origins can call the API, without cookies', () => {
  expect(api()['CorsConfiguration']).toEqual({
    AllowOrigins: ['https://app.example.com'],
    AllowMethods: ['GET', 'POST', 'DELETE'],
    AllowHeaders: ['authorization', 'content-type', 'idempotency-key'],
    ExposeHeaders: ['retry-after', 'location'],
    AllowCredentials: false,
    MaxAge: 600,
  });
  expect(api(templateWith({ allowedOrigins: [] }))).not.toHaveProperty('CorsConfiguration');
});

test('every route is throttled', () => {
  expect(stage).toMatchObject({
    StageName: '$default',
    AutoDeploy: true,
    DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
    RouteSettings: {
      'POST /v1/tokens': { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 },
      'POST /v1/sessions': { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 },
      'POST /v1/webhooks/terra': { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 },
    },
  });
});

test('the stage waits for every route', () => {
  const [[, waiting] = []] = resources(template, 'AWS::ApiGatewayV2::Stage');

  const routes = resources(template, 'AWS::ApiGatewayV2::Route').map(([id]) => id);
  expect(waiting?.DependsOn).toEqual(expect.arrayContaining(routes));
});

test('the access log has the route and never a path, a query, an address or a claim', () => {
  const { Format, DestinationArn } = object(stage['AccessLogSettings']);

  expect(word(template, DestinationArn)).toBe('ConnectApiAccessLog');
  expect(Object.values(JSON.parse(text(Format)))).toEqual([
    '$context.requestId',
    '$context.requestTime',
    '$context.routeKey',
    '$context.status',
    '$context.responseLength',
    '$context.responseLatency',
    '$context.integrationLatency',
    '$context.integrationStatus',
    '$context.error.responseType',
  ]);
});

const callbackBase = (found: typeof template) => word(found, found.Outputs['CallbackBase']?.Value);

test('the callback address is that of the API, its proxy or its domain', () => {
  const domain = {
    name: 'connect.example.com',
    certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/0a-1b',
  };
  const owned = templateWith({ domain });

  expect(callbackBase(template)).toBe('ConnectApi/v1/callback');
  expect(callbackBase(templateWith({ publicUrl: 'https://example.com/connect/' }))).toBe(
    'https://example.com/connect/v1/callback',
  );
  expect(callbackBase(owned)).toBe('https://connect.example.com/v1/callback');
  expect(owned.Outputs['WebhookUrl']?.Value).toBe('https://connect.example.com/v1/webhooks/terra');
  expect(api(owned)['DisableExecuteApiEndpoint']).toBe(true);
  expect(only(owned, 'AWS::ApiGatewayV2::DomainName')).toMatchObject({
    DomainName: 'connect.example.com',
    DomainNameConfigurations: [{ CertificateArn: domain.certificateArn, SecurityPolicy: 'TLS_1_2' }],
  });
  expect(only(owned, 'AWS::ApiGatewayV2::ApiMapping')['Stage']).toEqual({
    Ref: expect.stringMatching(/^ConnectApiStage/),
  });
});

function guarded() {
  return resources(template, 'AWS::ApiGatewayV2::Route').filter(
    ([, { Properties }]) => Properties['AuthorizationType'] === 'JWT',
  );
}

function functionOf(route: Properties): string {
  const integration = template.Resources[text(at(route, 'Target', 'Fn::Join', 1, 1, 'Ref'))];
  return word(template, integration?.Properties['IntegrationUri']).replace(/^Connect|Function$/g, '');
}
