// One process of a function: loads the bundle in its argument and calls its handler with all received events at once.
const { handler } = require(process.argv[2]);

process.on('message', async events => {
  const answers = await Promise.all(events.map(event => handler(event)));
  process.send(answers.map(answer => answer.statusCode));
});
