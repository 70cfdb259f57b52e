import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoPage } from '../../local/demo/demo-page';
import { serve, temporaryDirectory } from './fixture';

let page: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  const folder = temporaryDirectory();
  writeFileSync(join(folder, 'index.html'), '<p>page</p>');
  writeFileSync(join(folder, 'one.js'), 'one');
  writeFileSync(join(folder, 'one.d.ts'), 'types');
  const answers = demoPage(folder, { 'made.js': 'made' });
  page = await serve((request, response) => {
    if (!answers(request, response)) response.writeHead(418).end();
  });
});

afterAll(() => page.close());

const get = async (path: string, method = 'GET') => {
  const answer = await fetch(page.url + path, { method });
  return [answer.status, await answer.text()];
};

test('a file of the folder and a generated one are both served, at the root and under /demo', async () => {
  expect(await get('/')).toEqual([200, '<p>page</p>']);
  expect(await get('/one.js?x=1')).toEqual([200, 'one']);
  expect(await get('/made.js')).toEqual([200, 'made']);
  expect(await get('/demo/made.js')).toEqual([200, 'made']);
  expect(await get('/made.js', 'HEAD')).toEqual([200, '']);
});

test('nothing else is served', async () => {
  expect(await get('/other.js')).toEqual([404, '{"message":"Not Found"}']);
  expect((await get('/one.d.ts'))[0]).toBe(418);
  expect((await get('/..%2fone.js'))[0]).toBe(418);
  expect((await get('/made.js', 'POST'))[0]).toBe(418);
});
