import { askedAgain, hears } from './outage';
import { type Effect, type ScenarioOf, testScenarios } from './play';

const credentials = '502 terra_credentials';
const rejected = '502 terra_rejected';
const unavailable = '503 terra_unavailable';

const effects: Record<ScenarioOf<'Faults of the API'>, Effect> = {
  'bad-request': hears('a request that Terra finds malformed is a rejection', rejected),
  '401': hears('the deployment’s credentials are named as the cause', credentials),
  '403': hears('the deployment’s credentials are named as the cause', credentials),
  '404': hears('404 is a rejection, and completes a disconnection', rejected, {
    disconnect: '202 disconnected',
    asked: { generateAuthToken: 1 },
  }),
  '410': hears('a withdrawn endpoint has its own error code', '502 terra_endpoint_gone'),
  '429': hears('the caller gets Retry-After', unavailable),
  '429-bare': hears('the caller gets Retry-After even if Terra sends none', unavailable),
  '500': hears('a 500 of Terra is not repeated', unavailable),
  '503': hears('only requests that create nothing at Terra are repeated', unavailable, { asked: askedAgain }),
  '504': hears('only requests that create nothing at Terra are repeated', unavailable, { asked: askedAgain }),
  html: hears('HTML instead of JSON is a rejection', rejected),
  'truncated-json': hears('truncated JSON is a rejection', rejected),
  'message-null': hears('the answer that Terra gives for swapped keys is recognized', credentials),
  'status-error': hears('an answer without its link counts as swapped keys, any other as a rejection', rejected, {
    link: credentials,
    widget: credentials,
  }),
  redirecting: hears('no redirect is followed', rejected),
  huge: hears('no more than a megabyte is read', rejected),
  reset: hears('after a broken connection only requests that create nothing at Terra are repeated', unavailable, {
    asked: askedAgain,
  }),
  slow: hears('every caller gets an answer within four seconds, and nothing is repeated', '504 terra_timeout'),
  'slow-drip': hears('an answer that arrives byte by byte is abandoned after four seconds', '504 terra_timeout'),
  hang: hears('an answer that never arrives is abandoned after four seconds', '504 terra_timeout'),
};

testScenarios(effects);
