import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { settingsOf } from '../../infra/settings/settings';
import { TerraConnect, type TerraConnectProps } from '../../infra/terra-connect';
import { emptyBundles, production } from './template';

const folder = mkdtempSync(join(tmpdir(), 'terra-connect-'));
const bundles = emptyBundles(folder);

afterAll(() => rmSync(folder, { recursive: true }));

test('the construct works in another stack, with an issuer known only at deployment', () => {
  const stack = new Stack(new App(), 'Team');
  const issuer = new CfnParameter(stack, 'Issuer').valueAsString;

  const connect = new TerraConnect(stack, 'Connect', { ...production, issuer, bundles });

  const template = Template.fromStack(stack);
  template.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', { JwtConfiguration: { Issuer: { Ref: 'Issuer' } } });
  template.resourceCountIs('AWS::Lambda::Function', 11);
  expect(stack.resolve(connect.createSession.lambda.functionArn)).toBeDefined();
});

test('wrong settings are refused by name in any stack', () => {
  expect(() => place({ stage: 'Not A Name' })).toThrow('terraConnect.stage must be a name of lower-case letters');
});

const warnings = (settings: Partial<TerraConnectProps>) =>
  Annotations.fromStack(place(settings))
    .findWarning('*', Match.anyValue())
    .map(({ entry }) => entry.data);

test('unbound tokens with subjects as reference ids are allowed with a warning that names the risk', () => {
  const warning = /lets any user of the app put another user's subject into the mobile SDK/;

  expect(warnings({ referenceId: 'subject', allowUnboundTokens: true })).toEqual([expect.stringMatching(warning)]);
  expect(warnings({ referenceId: 'subject' })).toEqual([]);
  expect(warnings({ allowUnboundTokens: true })).toEqual([]);
});

test('links without confirmation are allowed with a warning that names the risk', () => {
  const warning =
    /^terraConnect\.confirmation "off" lets any user of the app send a link to another person .+: set it only if .+ \[ack: terra-connect:confirmation-off\]$/;

  expect(warnings({ confirmation: 'off' })).toEqual([expect.stringMatching(warning)]);
  expect(warnings({ confirmation: 'required' })).toEqual([]);
  expect(warnings({})).toEqual([]);
  expect(warnings({ confirmation: 'off', referenceId: 'subject', allowUnboundTokens: true })).toHaveLength(2);
});

test('a function without a bundle is refused by name', () => {
  expect(() => place({ bundles: folder })).toThrow('There is no function functions/create-session/index.ts');
});

test('a route without a deployed function is refused by name', () => {
  const stack = new Stack(new App(), 'Team');
  const { api, createSession } = new TerraConnect(stack, 'Connect', { ...production, bundles });

  expect(() => api.addRoutes([createSession])).toThrow(
    /^The route .+ names functions\/.+, which infra does not deploy$/,
  );
});

test('the settings file overrides the context, setting by setting', () => {
  const file = settingsFile('{"stage":"test","audience":["other"]}');

  const settings = settingsOf(new App({ context: { terraConnect: production, settings: file } }).node);

  expect(settings).toMatchObject({ ...production, stage: 'test', audience: ['other'] });
});

test.each([
  ['cannot be read', () => join(folder, 'nowhere.json')],
  ['is not JSON', () => settingsFile('{')],
])('a settings file that %s is refused, and the message names it', (problem, file) => {
  const name = file();

  expect(() => settingsOf(new App({ context: { settings: name } }).node)).toThrow(
    `The settings file ${name} ${problem}`,
  );
});

function place(settings: Partial<TerraConnectProps>): Stack {
  const stack = new Stack(new App(), 'Team');
  const connect = new TerraConnect(stack, 'Connect', { ...production, bundles, ...settings });
  return Stack.of(connect);
}

function settingsFile(content: string): string {
  const file = join(folder, `settings-${content.length}.json`);
  writeFileSync(file, content);
  return file;
}
