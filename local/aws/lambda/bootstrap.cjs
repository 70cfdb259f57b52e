/**
 * The managed Node runtime in small: asks the Runtime API for events, hands each to the function's handler, reports
 * the answer. Runs in a process of its own, in plain JavaScript, so that a cold start here costs what it costs on Lambda.
 */
const { Agent, request } = require('node:http');
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { patchConsole } = require('./bootstrap-console.cjs');

const { AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT, _HANDLER } = process.env;
const [host, port] = AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new Agent({ keepAlive: true });

/** The invocation under way; undefined while the function starts. */
let current;

/** One call of the Runtime API. When it cannot be reached the machine around this process is gone: so is the process. */
function call(method, path, body) {
  return new Promise(resolve => {
    const outgoing = request({ host, port, path: `/2018-06-01/runtime${path}`, method, agent }, incoming => {
      const chunks = [];
      incoming.on('data', chunk => chunks.push(chunk));
      incoming.on('end', () => resolve({ headers: incoming.headers, body: Buffer.concat(chunks) }));
      incoming.on('error', () => process.exit(1));
    });
    outgoing.on('error', () => process.exit(1));
    outgoing.end(body);
  });
}

function describeError(error) {
  const isError = error instanceof Error;
  return {
    errorType: isError ? error.name : typeof error,
    errorMessage: isError ? error.message : String(error),
    trace: isError && error.stack ? error.stack.split('\n') : [],
  };
}

/** Reports what nobody caught, then ends: the process may be in any state. */
async function crash(errorType, error) {
  const report = { ...describeError(error), ...(errorType && { errorType }) };
  console.error(error);
  await call('POST', current ? `/invocation/${current}/error` : '/init/error', JSON.stringify(report));
  process.exit(129);
}

function loadHandler() {
  const [moduleName, exportName] = _HANDLER.split('.');
  const file = ['.js', '.cjs'].map(end => join(LAMBDA_TASK_ROOT, moduleName + end)).find(path => existsSync(path));
  if (file === undefined) {
    throw Object.assign(new Error(`Cannot find module '${moduleName}'`), { name: 'Runtime.ImportModuleError' });
  }
  const handler = require(file)[exportName];
  if (typeof handler !== 'function') {
    throw Object.assign(new Error(`${_HANDLER} is undefined or not exported`), { name: 'Runtime.HandlerNotFound' });
  }
  return handler;
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

async function serveOne(handler) {
  const { headers, body } = await call('GET', '/invocation/next');
  current = headers['lambda-runtime-aws-request-id'];
  process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  try {
    const answer = await handler(JSON.parse(body.toString()), contextOf(headers));
    await call('POST', `/invocation/${current}/response`, JSON.stringify(answer) ?? 'null');
  } catch (error) {
    console.error('Invoke Error', error);
    await call('POST', `/invocation/${current}/error`, JSON.stringify(describeError(error)));
  }
}

async function main() {
  // Ctrl-C reaches every process of the terminal; it is for the parent to end this one.
  process.on('SIGINT', () => {});
  // The parent holds the other end: however it ends, the pipe closes.
  process.stdin.on('end', () => process.exit(0)).resume();
  process.on('uncaughtException', error => crash(undefined, error));
  process.on('unhandledRejection', error => crash('Runtime.UnhandledPromiseRejection', error));
  patchConsole(() => current);

  let handler;
  try {
    handler = loadHandler();
  } catch (error) {
    return crash(undefined, error);
  }
  for (;;) await serveOne(handler);
}

void main();
