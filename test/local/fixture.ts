import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Assembly } from '../../local/aws/cloudformation/assembly';
import { closeServer, listen } from '../../local/loopback';

type Resources = Record<string, { Type: string; Properties?: Record<string, unknown>; Condition?: string }>;

const directories: string[] = [];

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A folder that is gone after the tests of the file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'terra-connect-test-'));
  directories.push(directory);
  return directory;
}

/** What synthesis would leave behind: these resources, and for each function its code as an asset. */
export function assemblyOf(resources: Resources, code: Record<string, string> = {}): Assembly {
  const directory = temporaryDirectory();
  const files: Record<string, unknown> = {};
  for (const [name, source] of Object.entries(code)) {
    mkdirSync(join(directory, `asset.${name}`));
    writeFileSync(join(directory, `asset.${name}`, 'index.js'), source);
    files[name] = { source: { path: `asset.${name}` }, destinations: { here: { objectKey: `${name}.zip` } } };
  }
  const templateFile = join(directory, 'fixture.template.json');
  writeFileSync(templateFile, JSON.stringify({ Resources: resources }));
  writeFileSync(join(directory, 'fixture.assets.json'), JSON.stringify({ files }));
  return { directory, stackName: 'fixture', templateFile };
}

/** A function resource as CDK writes one. */
export function functionResource(name: string, properties: Record<string, unknown> = {}): Resources[string] {
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Description: name,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Code: { S3Bucket: { 'Fn::Sub': 'assets-${AWS::AccountId}' }, S3Key: `${name}.zip` },
      LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'INFO' },
      ...properties,
    },
  };
}

/** An HTTP API over functions: `routes` maps a route key to a function's logical id and what guards it. */
export function apiResources(
  routes: Record<string, { to: string; guarded?: boolean; scopes?: string[] }>,
  {
    issuer = 'http://localhost:1',
    audience = ['app'],
    cors,
    stage = {},
    timeoutMs = 15_000,
  }: { issuer?: string; audience?: string[]; cors?: object; stage?: object; timeoutMs?: number } = {},
): Resources {
  const resources: Resources = {
    Api: {
      Type: 'AWS::ApiGatewayV2::Api',
      Properties: { ProtocolType: 'HTTP', ...(cors && { CorsConfiguration: cors }) },
    },
    Stage: { Type: 'AWS::ApiGatewayV2::Stage', Properties: { StageName: '$default', ...stage } },
    Users: {
      Type: 'AWS::ApiGatewayV2::Authorizer',
      Properties: { AuthorizerType: 'JWT', JwtConfiguration: { Issuer: issuer, Audience: audience } },
    },
  };
  for (const [at, [key, { to, guarded = false, scopes }]] of Object.entries(routes).entries()) {
    resources[`Integration${at}`] = {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: { IntegrationUri: { 'Fn::GetAtt': [to, 'Arn'] }, TimeoutInMillis: timeoutMs },
    };
    resources[`Route${at}`] = {
      Type: 'AWS::ApiGatewayV2::Route',
      Properties: {
        RouteKey: key,
        Target: { 'Fn::Join': ['', ['integrations/', { Ref: `Integration${at}` }]] },
        ...(guarded && { AuthorizationType: 'JWT', AuthorizerId: { Ref: 'Users' } }),
        ...(scopes && { AuthorizationScopes: scopes }),
      },
    };
  }
  return resources;
}

/** Puts a request listener on a port. */
export async function serve(listener: RequestListener): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(listener);
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}`, close: () => closeServer(server) };
}
