/**
 * A minimal version of Lambda's managed Node runtime: gets events from the Runtime API, calls the function's handler
 * and reports the result. It runs in its own process, in plain JavaScript, so that a cold start takes about as long as
 * on Lambda.
 */
const { Agent, request } = require('node:http');
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { format } = require('node:util');

const { AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT, _HANDLER } = process.env;
const [host, port] = AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new Agent({ keepAlive: true });

const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/** Request id of the running invocation; undefined while the function starts. */
let current;

/** Calls the Runtime API. If it cannot be reached, the local stack has ended and this process exits. */
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

/** Reports an uncaught error and exits, because the process may be in any state. */
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

/** Makes `console` write like the managed runtime: one line per call, as JSON if the function's log format is JSON. */
function patchConsole(requestId) {
  const { AWS_LAMBDA_LOG_FORMAT, AWS_LAMBDA_LOG_LEVEL = 'INFO' } = process.env;
  const line = AWS_LAMBDA_LOG_FORMAT === 'JSON' ? jsonLine : textLine;
  const lowest = AWS_LAMBDA_LOG_FORMAT === 'JSON' ? levels.indexOf(AWS_LAMBDA_LOG_LEVEL) : 0;

  const writer = level => {
    if (levels.indexOf(level) < lowest) return () => {};
    return (...parts) => process.stdout.write(`${line(level, requestId(), parts)}\n`);
  };
  console.trace = writer('TRACE');
  console.debug = writer('DEBUG');
  console.info = writer('INFO');
  console.log = writer('INFO');
  console.warn = writer('WARN');
  console.error = writer('ERROR');
}

function jsonLine(level, requestId, parts) {
  const record = { timestamp: new Date().toISOString(), level, requestId };
  if (parts.length === 1) {
    try {
      return JSON.stringify({ ...record, message: parts[0] }, (_, value) =>
        value instanceof Error ? errorFields(value) : value,
      );
    } catch {
      return JSON.stringify({ ...record, message: format(parts[0]) });
    }
  }
  const error = parts.find(part => part instanceof Error);
  return JSON.stringify({ ...record, message: format(...parts), ...(error && errorFields(error)) });
}

function textLine(level, requestId, parts) {
  return `${new Date().toISOString()}\t${requestId}\t${level}\t${format(...parts).replaceAll('\n', '\r')}`;
}

function errorFields(error) {
  return {
    errorType: error.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: (error.stack ?? '').split('\n'),
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
  // Ctrl-C signals every process of the terminal; the parent ends this one.
  process.on('SIGINT', () => {});
  // The parent holds the other end of the pipe, which closes when the parent ends.
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
