// node search.mjs PAGE WORDS…: types each of the words into the search of a site that was opened from
// a folder, without a network, and prints as JSON where the first results lead.
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [page, ...queries] = process.argv.slice(2);
const found = { complaints: [], results: {} };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, offline: true });
context.setDefaultTimeout(120_000); // the machine may be busy
for (const query of queries) {
  const tab = await context.newPage();
  tab.on("pageerror", (error) => found.complaints.push(String(error)));
  await tab.goto(pathToFileURL(page).href);
  await tab.click(".md-search__input");
  await tab.keyboard.insertText(query);
  await tab.keyboard.press("End"); // a key that is let go begins the search
  await tab.waitForFunction(
    () => /matching/.test(document.querySelector(".md-search-result__meta").textContent));
  const links = await tab.$$eval(".md-search-result__link", (all) => all.map((link) => link.href));
  found.results[query] = links.map((link) => link.split("/").pop().replace(/[?][^#]*/, ""));
  await tab.close();
}
await browser.close();
console.log(JSON.stringify(found));
