import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type BrowserContext, chromium } from 'playwright-core';
import { type Served, serveGateway } from './serve.ts';

describe('rest: the documentation page', () => {
  let served: Served;
  before(async () => {
    served = await serveGateway({
      SpendPoints: () => ({ payers: [{ payer: 'DANNON', points: -5000 }] }),
      WatchTransactions: async function* ({ context: { isGone } }) {
        yield { transaction: undefined };
        while (!isGone()) await sleep(5);
      },
    });
  });
  after(() => served.close());

  it('comes without a token, with a policy that lets nothing in from elsewhere', async () => {
    const response = await fetch(`${served.url}/api/docs`);
    expect(response.headers.get('content-type')).to.equal('text/html; charset=utf-8');
    const policy = response.headers.get('content-security-policy');
    expect(policy).to.contain("default-src 'none'").and.to.contain("script-src 'self';");
    const html = await response.text();
    expect(html).to.contain('<title>Points ledger</title>');
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const asset = await fetch(served.url + path);
      expect(asset.status, path).to.equal(200);
      expect((await asset.arrayBuffer()).byteLength, path).to.equal(Number(asset.headers.get('content-length')));
    }
  });

  it('tries a spend out in Chromium: authorize, execute, see the answer', async function () {
    const executablePath = browserOnPath();
    if (executablePath === undefined) {
      console.log('Chromium is not installed: the documentation page was not opened in it');
      return this.skip();
    }
    const profile = mkdtempSync(join(tmpdir(), 'points-chromium-'));
    const args = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ];
    const browser = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args });
    try {
      await tryOut(browser, served);
    } finally {
      await browser.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});

async function tryOut(browser: BrowserContext, served: Served): Promise<void> {
  const elsewhere: string[] = [];
  const complaints: string[] = [];
  const page = await browser.newPage();
  page.setDefaultTimeout(10_000);
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${served.url}/`) && !url.startsWith('data:')) elsewhere.push(url);
  });
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));

  await page.goto(`${served.url}/api/docs`);
  await page.locator('button.authorize').click();
  await page.locator('.auth-container input').fill('a.b.c');
  await page.locator('.auth-btn-wrapper button.authorize').click();
  await page.locator('.auth-btn-wrapper button.btn-done').click();

  const watch = page.locator('.opblock', { has: page.locator('[data-path$="transactions:watch"]') });
  await watch.locator('.opblock-summary').click();
  await watch.locator('button.execute').click();

  const spend = page.locator('.opblock', { has: page.locator('[data-path="/spend"]') });
  await spend.locator('.opblock-summary').click();
  expect(JSON.parse(await spend.locator('textarea.body-param__text').inputValue())).to.deep.equal({ points: 5000 });
  await spend.locator('button.execute').click();
  await spend.locator('.live-responses-table').waitFor();
  expect(await spend.locator('.live-responses-table .response-col_status').last().textContent()).to.contain('200');
  expect(await spend.locator('.live-responses-table').textContent()).to.contain('DANNON');

  await watch.locator('.live-responses-table').waitFor();
  expect(await watch.locator('.live-responses-table').textContent()).to.contain('DEADLINE_EXCEEDED');

  expect(served.calls.map(({ method }) => method)).to.deep.equal(['WatchTransactions', 'SpendPoints']);
  expect(served.calls[1]?.context.authorization).to.equal('Bearer a.b.c');
  expect(await page.title()).to.equal('Points ledger');
  expect(elsewhere).to.deep.equal([]);
  expect(complaints).to.deep.equal([]);
}

function browserOnPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  return folders
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
