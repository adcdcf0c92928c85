// node visit.mjs PAGE FOLDER: opens a page in Chromium as several readers would, and prints what
// they find as JSON. FOLDER gets a picture of each look, and the printed page.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [page, folder] = process.argv.slice(2);
const address = pathToFileURL(page).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const found = { complaints: [], requests: [], looks: {}, sideways: {} };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});

// Opens the page anew for a reader of these options, and returns what they find.
async function read(options, find) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(120_000); // the machine may be busy
  const tab = await context.newPage();
  tab.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) found.complaints.push(message.text());
  });
  tab.on("pageerror", (error) => found.complaints.push(String(error)));
  tab.on("request", (request) => {
    if (request.url() !== address) found.requests.push(request.url().slice(0, 100));
  });
  await tab.goto(address);
  const result = await find(tab);
  await context.close();
  return result;
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [360, 1280]) {
    const name = `${colorScheme}-${width}`;
    found.looks[name] = await read({ colorScheme, viewport: { width, height: 900 } }, async (tab) => {
      await tab.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
      await tab.evaluate(() => {
        for (const folded of document.querySelectorAll("details")) folded.open = true;
      });
      await tab.evaluate(axe); // by the debugger: the page's policy would not let it run
      return tab.evaluate(async () => {
        const { violations, passes } = await globalThis.axe.run(document);
        const where = (rule) => rule.nodes.slice(0, 3).map((node) => node.target.join(" "));
        return {
          ground: getComputedStyle(document.body).backgroundColor,
          violations: violations.map((rule) => `${rule.id}: ${where(rule).join(", ")}`),
          checked: passes.map((rule) => rule.id),
        };
      });
    });
  }
}

await read({}, async (tab) => {
  for (const width of [320, 360, 480, 768, 1024, 1087, 1088, 1280, 1600]) {
    await tab.setViewportSize({ width, height: 900 });
    found.sideways[width] = await tab.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
  }
});

// With the keyboard alone: the skip link, sorting, filtering, the theme, a claim in full.
found.keyboard = await read({ colorScheme: "light" }, async (tab) => {
  const focused = (what) => tab.evaluate((name) => document.activeElement[name], what);
  const parameters = () =>
    tab.$$eval("#t-models tbody tr:not([hidden])", (rows) => rows.map((row) => row.cells[4].innerText));
  const told = {};
  await tab.keyboard.press("Tab");
  told.first = await focused("textContent");
  await tab.keyboard.press("Enter");
  told.skipped = await focused("id");
  const heading = tab.locator("#t-models thead th").nth(4);
  told.orders = [["", await parameters()]];
  await heading.locator("button").focus();
  for (let turn = 0; turn < 3; turn += 1) {
    await tab.keyboard.press("Enter");
    told.orders.push([await heading.getAttribute("aria-sort"), await parameters()]);
  }
  await tab.locator("#t-models-filter").focus();
  await tab.keyboard.type("DENSE dropout");
  told.filtered = await tab.locator(".tools:has(#t-models-filter) [role=status]").innerText();
  told.left = (await parameters()).length;
  await tab.locator("#t-claims tbody a").first().focus();
  await tab.keyboard.press("Enter");
  told.unfolded = await tab.locator("details.claim").first().evaluate((claim) => claim.open);
  await tab.locator(".theme").focus();
  await tab.keyboard.press("Space");
  told.theme = await tab.evaluate(() => document.documentElement.dataset.theme);
  told.ground = await tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  return told;
});

// Where what scrolls can be reached by the keyboard, and what does not is no stop on the way.
found.stops = await read({ viewport: { width: 360, height: 800 } }, (tab) =>
  tab.$$eval(".scroll", (regions) =>
    regions.filter((own) => (own.scrollWidth > own.clientWidth) !== (own.tabIndex === 0)).length),
);

// Without any script: the same words, and nothing that only a script could work.
const words = (tab) =>
  tab.evaluate(() => {
    for (const control of document.querySelectorAll(".tools, .plain")) control.remove();
    return document.querySelector("main").innerText;
  });
found.unscripted = await read({ javaScriptEnabled: false }, async (tab) => ({
  words: await tab.locator("main").innerText(),
  controls: await tab.locator("button, input").count(),
}));
found.scripted = await read({}, words);

// On paper: light whatever the theme, without what a reader would click.
found.paper = await read({ colorScheme: "dark" }, async (tab) => {
  await tab.emulateMedia({ media: "print", colorScheme: "dark" });
  await tab.pdf({ path: `${folder}/paper.pdf`, preferCSSPageSize: true });
  return tab.evaluate(() => ({
    ground: getComputedStyle(document.body).backgroundColor,
    controls: [...document.querySelectorAll("nav, .tools, .plain, .skip")].filter(
      (own) => getComputedStyle(own).display !== "none",
    ).length,
  }));
});

await browser.close();
process.stdout.write(JSON.stringify(found));
