import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { FaultSettings, LocalAbout } from '../../local/panel-api';
import { type BrowserTest, READY_MS } from './world';

const faultsOf = async (page: Page): Promise<FaultSettings> =>
  (await page.evaluate("fetch('/_local/faults').then((answer) => answer.json())")) as FaultSettings;

/** Waits until the run has the setting: the panel sends it and does not wait. */
async function untilFault(page: Page, name: keyof FaultSettings, value: number): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if ((await faultsOf(page))[name] === value) return;
    await page.waitForTimeout(50);
  }
  assert.equal((await faultsOf(page))[name], value);
}

const KNOBS: readonly (readonly [label: string, name: keyof FaultSettings, on: number])[] = [
  ['Deliver every event twice', 'duplicatePercent', 100],
  ['Answer 5 % of requests with an error', 'httpErrorPercent', 5],
  ['Events 5 seconds late', 'eventDelaySeconds', 5],
  ['Kill an instance every 20 seconds', 'killEverySeconds', 20],
];

/** What can be done on the panel. */
export const panelTests: readonly BrowserTest[] = [
  [
    'copies the lines for a shell',
    async ({ page }) => {
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await page.getByRole('button', { name: 'Copy the lines for a shell' }).click();
      await page.getByText('Copied: paste the lines into a shell').waitFor();
      const copied = (await page.evaluate('navigator.clipboard.readText()')) as string;
      const about = (await page.evaluate("fetch('/_local/about').then((answer) => answer.json())")) as LocalAbout;
      for (const [name, value] of Object.entries(about.operatorEnv)) {
        assert.ok(copied.includes(`export ${name}=${value}\n`), `${name} is not among ${copied}`);
      }
      assert.match(copied, /npx queue-fleet dlq list\n/);
    },
  ],
  [
    'turns each fault on and off, and shows what another page turned',
    async ({ page }) => {
      for (const [label, name, on] of KNOBS) {
        await page.getByLabel(label).check();
        await untilFault(page, name, on);
        await page.getByLabel(label).uncheck();
        await untilFault(page, name, 0);
      }
      const turn = (percent: number) =>
        page.evaluate(`fetch('/_local/faults', {
          method: 'POST',
          headers: { 'x-queue-fleet': '1' },
          body: JSON.stringify({ duplicatePercent: ${percent} }),
        }).then(() => undefined)`);
      const twice = page.getByLabel('Deliver every event twice');
      await turn(40);
      await page.waitForFunction('document.querySelector(".qf-fault input").checked');
      assert.equal(await twice.isChecked(), true);
      await turn(0);
      await page.waitForFunction('!document.querySelector(".qf-fault input").checked');
    },
  ],
  [
    'kills an instance, says so, and the group replaces it',
    async ({ page }) => {
      const inService = page.locator('.qf-instance[data-state="InService"]');
      await inService.first().waitFor({ timeout: READY_MS });
      await page.getByRole('button', { name: 'Kill an instance now' }).click();
      await page.getByText(/^Killed i-\S+: its messages come back/).waitFor();
      await page.locator('.qf-instance[data-state="Killed"]').first().waitFor();
      await page.locator('.qf-log-fault', { hasText: 'was killed' }).first().waitFor();
      await inService.first().waitFor({ timeout: READY_MS });
      const id = await inService.first().locator('code').textContent();
      await page.getByRole('button', { name: `Kill instance ${id ?? ''}` }).click();
      await page.getByText(`Killed ${id ?? ''}`, { exact: true }).waitFor();
      await inService.first().waitFor({ timeout: READY_MS });
    },
  ],
];
