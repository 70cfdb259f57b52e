import { askedAgain, hears, type SlowScenario } from './outage';
import { type Effect, type ScenarioOf, testScenarios } from './play';

const credentials = '502 terra_credentials';
const rejected = '502 terra_rejected';
const unavailable = '503 terra_unavailable';

const effects: Record<Exclude<ScenarioOf<'Faults of the API'>, SlowScenario>, Effect> = {
  'bad-request': hears('what Terra finds malformed is a rejection', rejected),
  '401': hears('the keys of the deployment are named as the fault', credentials),
  '403': hears('the keys of the deployment are named as the fault', credentials),
  '404': hears('nothing there is a rejection, and to a disconnection all it needs', rejected, {
    disconnect: '202 disconnected',
    asked: { generateAuthToken: 1 },
  }),
  '410': hears('a withdrawn endpoint has a code of its own', '502 terra_endpoint_gone'),
  '429': hears('people are told when to try again', unavailable),
  '429-bare': hears('people are told when to try again although Terra does not say', unavailable),
  '500': hears('an error of Terra’s is not repeated', unavailable),
  '503': hears('only what makes nothing at Terra is asked twice', unavailable, { asked: askedAgain }),
  '504': hears('only what makes nothing at Terra is asked twice', unavailable, { asked: askedAgain }),
  html: hears('a page in place of JSON is a rejection', rejected),
  'truncated-json': hears('half an answer is a rejection', rejected),
  'message-null': hears('the symptom of swapped keys is recognised', credentials),
  'status-error': hears('an answer without its link is taken for swapped keys, any other for a rejection', rejected, {
    link: credentials,
    widget: credentials,
  }),
  redirecting: hears('no redirect is followed', rejected),
  huge: hears('no more than a megabyte is read', rejected),
  reset: hears('a broken connection is repeated only where that makes nothing at Terra', unavailable, {
    asked: askedAgain,
  }),
};

testScenarios(effects);
