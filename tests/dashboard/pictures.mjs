// The README's pictures, of a demo that has run for twenty minutes: node pictures.mjs URL FOLDER
import {chromium} from 'playwright-core';

const [url, folder] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu']});
const take = async (name, hash, height, theme) => {
  const page = await browser.newPage({colorScheme: theme, viewport: {width: 1200, height}});
  await page.goto(url + hash);
  await page.locator('main:not([aria-busy]) h1').waitFor();
  await page.waitForTimeout(2_000);  // the newest numbers are shown as such for a moment
  await page.screenshot({path: `${folder}/${name}.png`});
};
await take('overview', '#/', 1000, 'light');
const now = Math.round(Date.now() / 1000);
await take('compare', '#/compare?ids=1000001,1000002,1000003&mode=indexed&range=1h'
  + `&from=${now - 1200}&to=${now}`, 900, 'dark');
await browser.close();
