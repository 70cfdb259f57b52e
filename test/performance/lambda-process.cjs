// One process of a function: loads the bundle it is told of and calls its handler with every event it is sent, all at once.
const { handler } = require(process.argv[2]);

process.on('message', async events => {
  const answers = await Promise.all(events.map(event => handler(event)));
  process.send(answers.map(answer => answer.statusCode));
});
