// Drives galleries in Chromium by keyboard and filter, and takes a screenshot of each at three widths, light
// and dark. `.ci/gallery` runs it: node check.mjs PAPERBOAT CHROMIUM FOLDER
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { HOSTILE, large, small } from './sample.mjs';

const [paperboat, executablePath, folder] = process.argv.slice(2);
const { chromium } = createRequire(join(folder, 'package.json'))('playwright-core');
const shots = join(folder, 'screenshots');
mkdirSync(shots, { recursive: true });

const galleries = {
  10: pathToFileURL(small(paperboat, join(folder, 'ten'))).href,
  500: pathToFileURL(large(paperboat, join(folder, 'five hundred'), 500)).href,
};
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
let passed = 0;

/** Opens a gallery in a fresh browser; whatever the page complains of fails the check. */
async function open(url, options, act) {
  const context = await browser.newContext({ viewport: { width: 800, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  const isExpected = (text) => text.includes('ERR_FILE_NOT_FOUND');
  page.on('console', (it) => it.type() === 'error' && !isExpected(it.text()) && complaints.push(it.text()));
  page.on('pageerror', (e) => complaints.push(`${e}`));
  page.on('request', (it) => /^(file|data|blob):/.test(it.url()) || complaints.push(`fetched ${it.url()}`));
  page.on('dialog', (it) => complaints.push(`dialog: ${it.message()}`));
  await page.goto(url);
  await act(page, context);
  assert.deepEqual(complaints, []);
  await context.close();
}

async function check(name, act) {
  await act();
  passed += 1;
  console.log(`ok ${name}`);
}

const count = (page) => page.locator('#count').textContent();
const focused = (page) => page.evaluate(() => document.activeElement.dataset.id ?? document.activeElement.id);
const press = async (page, ...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};

/** The contrast of two colors, as WCAG defines it. */
function contrast(...colors) {
  const luminance = (color) => {
    const digits = color.length === 4 ? [...color.slice(1)].map((it) => it + it) : color.match(/[0-9a-f]{2}/g);
    const [r, g, b] = digits.map((it) => {
      const part = Number.parseInt(it, 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [dark, light] = colors.map(luminance).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

for (const [rows, url] of Object.entries(galleries)) {
  for (const width of [360, 800, 1600]) {
    for (const colorScheme of ['light', 'dark']) {
      await check(`${rows} rows at ${width} px, ${colorScheme}`, () =>
        open(url, { viewport: { width, height: 900 }, colorScheme }, async (page) => {
          await page.waitForLoadState('networkidle');
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(overflow <= 0, `wider than the window by ${overflow} px`);
          await page.screenshot({ path: join(shots, `${rows}-${width}-${colorScheme}.png`) });
        }));
    }
  }
}

await check('colors have enough contrast', async () => {
  for (const colorScheme of ['light', 'dark']) {
    await open(galleries[10], { colorScheme }, async (page) => {
      const colors = await page.evaluate(() => {
        const style = getComputedStyle(document.documentElement);
        const names = ['page', 'frame', 'field', 'edge', 'text', 'muted', 'accent', 'bad', 'star'];
        return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
      });
      const pairs = [
        ['text', 'page', 4.5], ['text', 'field', 4.5], ['text', 'frame', 4.5], ['muted', 'page', 4.5],
        ['muted', 'field', 4.5], ['muted', 'frame', 4.5], ['accent', 'page', 4.5], ['accent', 'frame', 4.5],
        ['bad', 'page', 4.5], ['star', 'field', 3], ['edge', 'page', 3], ['edge', 'field', 3],
      ];
      for (const [front, back, least] of pairs) {
        const ratio = contrast(colors[front], colors[back]);
        assert.ok(ratio >= least, `${front} on ${back}, ${colorScheme}: ${ratio.toFixed(2)}`);
      }
    });
  }
});

await check('prompts are text', () =>
  open(galleries[10], {}, async (page) => {
    const prompts = await page.locator('.prompt').allTextContents();
    assert.equal(prompts.length, 10);
    assert.equal(prompts[7], HOSTILE);
    assert.equal(await page.locator('.frame img').nth(7).getAttribute('alt'), HOSTILE);
    assert.equal(await page.title(), 'out');
    const [ltr, rtl] = await page.evaluate(() =>
      [0, 3].map((at) => getComputedStyle(document.querySelectorAll('.prompt')[at]).direction));
    assert.deepEqual([ltr, rtl], ['ltr', 'rtl']);
  }));

await check('every file is found by its name', () =>
  open(galleries[10], { viewport: { width: 1600, height: 2000 } }, async (page) => {
    await page.waitForFunction(() =>
      [...document.images].every((it) => it.complete && it.naturalWidth > 0));
    assert.equal(await page.locator('.missing').count(), 0);
  }));

await check('the page does not jump while images load', () =>
  open(galleries[10], { viewport: { width: 1600, height: 2000 } }, async (page) => {
    const frames = await page.locator('.frame').evaluateAll((all) => all.map((it) => it.getBoundingClientRect()));
    for (const { width, height } of frames) assert.ok(Math.abs(width - height) < 1, `${width} × ${height}`);
  }));

await check('filters', () =>
  open(galleries[500], {}, async (page) => {
    assert.equal(await count(page), '500 of 500');
    await press(page, '/');
    await page.keyboard.type('PAPER boat');
    await page.waitForFunction(() => document.getElementById('count').textContent === '50 of 500');
    assert.equal(await page.locator('.card:visible').count(), 50);
    await press(page, 'Escape');
    assert.equal(await count(page), '500 of 500');
    await page.selectOption('#model', 'ideogram-ai/ideogram-v2');
    assert.equal(await count(page), '100 of 500');
    await page.selectOption('#status', 'failed');
    const shown = await page.locator('.card:visible').evaluateAll((all) => all.map((it) => it.dataset));
    assert.ok(shown.length > 0);
    assert.ok(shown.every((it) => it.status === 'failed' && it.model === 'ideogram-ai/ideogram-v2'));
    await page.fill('#text', 'no such thing');
    await page.getByText('Nothing matches.').waitFor();
    await page.screenshot({ path: join(shots, 'nothing.png') });
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    assert.equal(await count(page), '500 of 500');
    assert.equal(await focused(page), 'text');
  }));

await check('keys', () =>
  open(galleries[500], {}, async (page, context) => {
    await press(page, '/', 'Enter');
    assert.equal(await focused(page), 'id0');
    const columns = await page.evaluate(() =>
      getComputedStyle(document.getElementById('cards')).gridTemplateColumns.split(' ').length);
    assert.ok(columns > 1);
    await press(page, 'ArrowRight', 'ArrowDown');
    assert.equal(await focused(page), `id${columns + 1}`);
    await press(page, 'ArrowUp', 'ArrowLeft', 'ArrowLeft');
    assert.equal(await focused(page), 'id0', 'there is no card before the first');
    await press(page, 'End');
    assert.equal(await focused(page), 'id499');
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(ring, 'solid');
    const place = await page.evaluate(() => document.activeElement.getBoundingClientRect().toJSON());
    assert.ok(place.top >= 0 && place.bottom <= 900, JSON.stringify(place));
    await page.screenshot({ path: join(shots, 'focus.png') });
    await press(page, 'Home');
    assert.equal(await focused(page), 'id0');
    // The cards are one stop; what is in the card comes next.
    await press(page, 'Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'frame');
    await press(page, 'Tab', 'Tab', 'Shift+Tab', 'Shift+Tab', 'Shift+Tab');
    assert.equal(await focused(page), 'id0');
    const [opened] = await Promise.all([context.waitForEvent('page'), press(page, 'Enter')]);
    assert.ok(opened.url().endsWith('/set%200/0%20%231.svg'), opened.url());
  }));

await check('marks and ids', () =>
  open(galleries[500], { permissions: ['clipboard-read', 'clipboard-write'] }, async (page) => {
    assert.ok(await page.locator('#copy').isDisabled());
    await press(page, '/', 'Enter', 'm', 'ArrowRight', 'ArrowRight', 'm');
    await page.locator('.card').nth(6).hover();
    await page.locator('.mark').nth(6).click();
    assert.equal(await count(page), '500 of 500, 3 marked');
    await page.click('#copy');
    await page.getByRole('button', { name: 'Copied 3' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'id0\nid2\nid6');
    await page.check('#marked');
    assert.equal(await count(page), '3 of 500, 3 marked');
    await page.screenshot({ path: join(shots, 'marked.png') });
    await page.reload();
    assert.equal(await page.locator('.mark[aria-pressed=true]').count(), 3);
    await page.uncheck('#marked');
    await page.check('#marked');
    await page.locator('.card:visible').first().focus();
    await press(page, 'm');
    assert.equal(await count(page), '2 of 500, 2 marked');
    assert.equal(await focused(page), 'id2', 'the next card has the focus of the one that has gone');
  }));

await check('a file that is gone, and all kinds of files', () =>
  open(galleries[500], { viewport: { width: 1600, height: 900 } }, async (page) => {
    await page.getByText('The file is not there.').waitFor();
    assert.ok((await page.locator('.frame pre').first().textContent()).startsWith('Chapter 7\n'));
    await page.locator('audio').first().scrollIntoViewIfNeeded();
    await page.waitForFunction(() => document.querySelector('audio').readyState > 0);
    assert.equal(await page.locator('.reason').first().textContent().then((it) => it.slice(0, 6)), 'failed');
    await page.locator('summary').first().click();
    assert.ok(await page.getByText('row-0').first().isVisible());
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: join(shots, 'details.png') });
  }));

await check('without script all is there', () =>
  open(galleries[10], { javaScriptEnabled: false }, async (page) => {
    assert.equal(await page.locator('.card').count(), 10);
    assert.ok(!(await page.locator('.bar').isVisible()));
  }));

await browser.close();
console.log(`${passed} passed, 0 failed; screenshots are in ${shots}`);
