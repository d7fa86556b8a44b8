// Debian's Chromium, driven by Playwright as browser.py says: a line of JSON asks, a line answers. It ends with its input.
//
// drive.mjs {"executable": ..., "arguments": [...], "patience": milliseconds for each thing to come about}
// {"ask": "do", "steps": [["page"], ["getByRole", "button", {"name": "Add"}], ["click"]]}: what Playwright's members of
// these names do, one after the other; {"value": ...} is what the last one gave, {"error": ...} why there is none.
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const { executable, arguments: args, patience } = JSON.parse(process.argv[2]);
// Without a sandbox of its own, since the tests run as root; nothing but our own pages is shown.
const browser = await chromium.launch({ executablePath: executable, args, chromiumSandbox: false });
let context, page;
let problems = [];

const asked = {
  /// A browser that has seen nothing yet.
  async begin({ options }) {
    await context?.close();
    context = await browser.newContext({ ignoreHTTPSErrors: true, reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(patience);
    context.setDefaultNavigationTimeout(2 * patience);
    await context.tracing.start({ snapshots: true });
    problems = [];
    context.on('weberror', (found) => problems.push(String(found.error())));
    context.on('console', (line) => {
      // What the server refuses is told so, too; only what could not be asked at all is a problem, see below.
      if (line.type() === 'error' && !line.text().startsWith('Failed to load resource')) problems.push(line.text());
    });
    context.on('requestfailed', (request) => {
      const why = request.failure()?.errorText;
      // Somebody left the page; the policy stopped it, and said so above.
      if (why !== 'net::ERR_ABORTED' && why !== 'csp') problems.push(`${request.url()}: ${why}`);
    });
    page = await context.newPage();
  },

  async do({ steps }) {
    let found = { page, context };
    for (const [name, ...given] of steps) {
      if (!(name in found)) throw new Error(`Playwright has no ${name} there`);
      found = await (typeof found[name] === 'function' ? found[name](...given) : found[name]);
    }
    return found;
  },

  problems() {
    return problems.splice(0);
  },

  /// What was done since begin(), to be looked at by `npx playwright-core show-trace FILE`, and a picture of the end.
  async keep({ file }) {
    await page.screenshot({ path: `${file}.png`, fullPage: true });
    await context.tracing.stop({ path: `${file}.zip` });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...given } = JSON.parse(line);
  let answer;
  try {
    const value = await asked[ask](given);
    answer = JSON.stringify({ value: value?.constructor?.name === 'Response' ? null : value });
  } catch (error) {
    const shown = await page?.locator('body').ariaSnapshot({ timeout: 1000 }).catch(() => '');
    answer = JSON.stringify({ error: `${error.message}\nAt ${page?.url()}:\n${shown?.slice(0, 4000)}` });
  }
  process.stdout.write(`${answer}\n`);
}
await browser.close();
