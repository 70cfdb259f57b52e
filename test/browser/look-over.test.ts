import type { Browser, Page } from 'playwright-core';
import { launchChromium } from './chromium';
import { lookOver } from './look-over';

let browser: Browser;
let page: Page;
beforeAll(async () => {
  browser = await launchChromium();
  page = await browser.newPage();
});
afterAll(() => browser?.close());

const sound = {
  lang: 'en',
  title: '<title>A page</title>',
  style: 'p { color: #767676; background: #fff }',
  content: '<h1>A page</h1><p>Text</p><a href="#x" style="display:block;height:24px">On</a>',
};

const pageOf = (parts: Partial<typeof sound>) => {
  const { lang, title, style, content } = { ...sound, ...parts };
  return `<!doctype html><html lang="${lang}"><head>${title}<style>${style}</style></head><body><main>${content}</main></body></html>`;
};

test.each<[what: string, parts: Partial<typeof sound>, flaw: RegExp | undefined]>([
  ['a sound page', {}, undefined],
  ['no language', { lang: '' }, /language/],
  ['no title', { title: '' }, /no title/],
  ['no main heading', { content: '<p>Text</p>' }, /0 main headings/],
  ['two main headings', { content: '<h1>A</h1><h1>B</h1>' }, /2 main headings/],
  ['a second main part', { content: '</main><main><h1>A</h1>' }, /one main part/],
  ['text a shade too faint', { style: 'p { color: #777; background: #fff }' }, /^contrast 4.48: p “Text”$/],
  ['large text may be fainter', { style: 'p { color: #777; background: #fff; font-size: 24px }' }, undefined],
  ['text made faint by opacity', { style: 'p { color: #000; opacity: 0.5 }' }, /^contrast 3.98: p/],
  [
    'text faint on what lies behind',
    { content: '<h1>A</h1><div style="background:#444"><p style="background:none">Text</p></div>' },
    /^contrast 2.1\d: p/,
  ],
  ['a half-transparent colour', { style: 'p { color: rgb(0 0 0 / 0.5) }' }, /^contrast 4.00: p/],
  ['a colour of a wide gamut', { style: 'p { color: oklch(0.8 0.05 250); background: #fff }' }, /^contrast/],
  [
    'a faint placeholder',
    { content: '<h1>A</h1><input placeholder="b" style="height:30px"><style>::placeholder{color:#aaa}</style>' },
    /^contrast 2.32: input/,
  ],
  ['text nobody sees', { style: 'p { color: #fff; visibility: hidden }' }, undefined],
  [
    'a low target',
    { content: '<h1>A</h1><button style="font-size:8px;padding:0;border:0">Press</button>' },
    /a target of .* button “Press”/,
  ],
  [
    'a small box with a large label',
    { content: '<h1>A</h1><label style="display:block;padding:9px"><input type="checkbox"> yes</label>' },
    undefined,
  ],
  ['too wide', { content: '<h1>A</h1><div style="width:2000px">wide</div>' }, /it scrolls sideways by \d+ px/],
])('the look over a page: %s', async (_, parts, flaw) => {
  await page.setContent(pageOf(parts));
  expect(await lookOver(page)).toEqual(flaw === undefined ? [] : [expect.stringMatching(flaw)]);
});
