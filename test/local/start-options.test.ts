import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StartError } from '../../local/start-error';
import { readStartOptions } from '../../local/start-options';
import { temporaryDirectory } from './fixture';

const upstream = {
  TERRA_API_URL: 'https://api.example.com/v2',
  TERRA_WIDGET_URL: 'https://api.example.com/widget/session',
  TERRA_DEV_ID: 'dev',
  TERRA_API_KEY: 'key',
  TERRA_SIGNING_SECRET: 'signing',
};

test('the defaults are port 4000, memory only and the sandbox', () => {
  expect(readStartOptions({})).toEqual({ port: 4000, dataDir: undefined, upstream: undefined });
  expect(readStartOptions({ PORT: '', DATA_DIR: '', TERRA_API_URL: '', SETTINGS: '' })).toEqual(readStartOptions({}));
});

test('--like-lambda is the only argument', () => {
  expect(readStartOptions({}, ['--like-lambda'])).toEqual({ ...readStartOptions({}), likeLambda: true });
  expect(() => readStartOptions({ PORT: 'none' }, ['--like-lamda', '--like-lambda'])).toThrow(
    /^--like-lamda is not a known option; the only one is --like-lambda\nPORT must be a whole number/,
  );
});

test('port 0 means any three free ports in a row', () => {
  expect(readStartOptions({ PORT: '0' })).toEqual({ ...readStartOptions({}), port: undefined });
});

test('every option is used', () => {
  expect(readStartOptions({ PORT: '5000', DATA_DIR: './data', ...upstream })).toEqual({
    port: 5000,
    dataDir: resolve('data'),
    upstream: {
      apiUrl: 'https://api.example.com/v2',
      widgetUrl: 'https://api.example.com/widget/session',
      devId: 'dev',
      apiKey: 'key',
      signingSecret: 'signing',
    },
  });
});

test.each([
  ['PORT', { PORT: 'http' }, /^PORT must be a whole number from 1 to 65533/],
  ['PORT', { PORT: '-1' }, /^PORT must/],
  ['PORT', { PORT: '65534' }, /^PORT must/],
  ['PORT', { PORT: '4000.5' }, /^PORT must/],
  ['the API’s URL', { ...upstream, TERRA_API_URL: 'api.example.com' }, /^TERRA_API_URL must be an https URL/],
  ['the widget’s URL', { ...upstream, TERRA_WIDGET_URL: 'http://api.example.com/w' }, /^TERRA_WIDGET_URL must/],
  [
    'half an upstream',
    { TERRA_API_URL: 'http://localhost:9/v2', TERRA_DEV_ID: 'dev' },
    /^TERRA_API_URL, TERRA_DEV_ID set but not TERRA_WIDGET_URL, TERRA_API_KEY, TERRA_SIGNING_SECRET: another Terra needs all five$/,
  ],
])('%s with %j is refused with a message', (_, environment, sentence) => {
  expect(() => readStartOptions(environment)).toThrow(sentence);
  expect(() => readStartOptions(environment)).toThrow(StartError);
});

test('all problems are reported at once', () => {
  expect(() => readStartOptions({ PORT: 'x', TERRA_API_URL: 'y' })).toThrow(
    /PORT[^]*set but not[^]*TERRA_API_URL must/,
  );
});

const settingsFile = (text: string) => {
  const file = join(temporaryDirectory(), 'my-settings.json');
  writeFileSync(file, text);
  return file;
};

test('SETTINGS names a file of settings', () => {
  const file = settingsFile('{ "confirmWithinMinutes": 5, "returnTargets": { "mine": "http://localhost:5173/" } }');

  expect(readStartOptions({ SETTINGS: file }).settings).toEqual({
    confirmWithinMinutes: 5,
    returnTargets: { mine: 'http://localhost:5173/' },
  });
});

test.each([
  ['is not there', () => join(temporaryDirectory(), 'none.json'), 'cannot be read'],
  ['is a folder', temporaryDirectory, 'cannot be read'],
  ['is not JSON', () => settingsFile('issuer: me'), 'does not contain a JSON object of settings'],
  ['is a list', () => settingsFile('[]'), 'does not contain a JSON object of settings'],
  ['is nothing', () => settingsFile('null'), 'does not contain a JSON object of settings'],
])('a settings file that %s is refused, and the message names it', (_, make, sentence) => {
  const file = make();

  expect(() => readStartOptions({ SETTINGS: file })).toThrow(
    new StartError(`SETTINGS names ${file}, which ${sentence}`),
  );
});
