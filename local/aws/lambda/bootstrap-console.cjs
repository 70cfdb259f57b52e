const { format } = require('node:util');

const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/** Makes `console` write what the managed runtime writes: one line a call, JSON where the function's log format is JSON. */
exports.patchConsole = function patchConsole(requestId) {
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
};

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
