// tests/page/check.mjs FILE.html... [--shots DIR]: does the page keep its promises in a real browser?
//
// For each file: no request but for the file itself, nothing refused by its own policy, no error, first paint within two seconds,
// no serious finding of axe, lists that search and sort, ladders that zoom, everything said without JavaScript. One line a
// fault; exit status 1 when there is any, 77 where Chromium or playwright-core is missing. CHROMIUM: the browser (chromium);
// PAGE_MODULES: folder that holds node_modules with playwright-core and axe-core.
import {createRequire} from 'node:module';
import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import {basename, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

const PAINT_MS = 2000;
const require = createRequire(resolve(process.env.PAGE_MODULES || '.', 'here.js'));
const browserPath = process.env.CHROMIUM || '/usr/bin/chromium';
let chromium, axe;
try {
	({chromium} = require('playwright-core'));
	axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
} catch {
	console.log('page: skipped, playwright-core and axe-core are not there (PAGE_MODULES)');
	process.exit(77);
}
if (!existsSync(browserPath)) {
	console.log('page: skipped, no Chromium (CHROMIUM)');
	process.exit(77);
}

const files = [], faults = [];
let shots = null;
for (let at = 2; at < process.argv.length; at++)
	if (process.argv[at] === '--shots') shots = process.argv[++at];
	else files.push(process.argv[at]);
if (shots) mkdirSync(shots, {recursive: true});

const fault = (file, text) => faults.push(`${basename(file)}: ${text}`);
const shot = async (page, file, name) => {
	if (shots) await page.screenshot({path: `${shots}/${basename(file, '.html')}-${name}.png`, fullPage: true});
};

// A page that tells of everything it should not do.
async function open(browser, file, options = {}) {
	const context = await browser.newContext({viewport: {width: 1280, height: 900}, ...options});
	const page = await context.newPage();
	page.on('request', (request) => {
		if (!request.url().startsWith('file:') && !request.url().startsWith('data:')) fault(file, `asks for ${request.url()}`);
		if (request.url().startsWith('file:') && !request.isNavigationRequest()) fault(file, `asks for ${request.url()}`);
	});
	page.on('pageerror', (error) => fault(file, `error: ${error.message}`));
	page.on('console', (message) => {
		if (['error', 'warning'].includes(message.type())) fault(file, `console: ${message.text()}`);
	});
	page.on('dialog', (dialog) => { fault(file, `dialog: ${dialog.message()}`); dialog.dismiss(); });
	await page.goto(pathToFileURL(resolve(file)).href);
	return page;
}

async function paint(page, file) {
	const ms = await page.evaluate(() => new Promise((done) => {
		const seen = performance.getEntriesByName('first-contentful-paint')[0];
		if (seen) done(seen.startTime);
		else new PerformanceObserver((list) => done(list.getEntries()[0].startTime)).observe({type: 'paint', buffered: true});
	}));
	console.log(`${basename(file)}: first paint after ${Math.round(ms)} ms`);
	if (ms > PAINT_MS) fault(file, `first paint after ${Math.round(ms)} ms`);
}

async function accessible(page, file, what) {
	await page.evaluate(() => document.querySelectorAll('details').forEach((part) => { part.open = true; }));
	await page.evaluate(axe); // not a script of the page: its policy does not reach it
	const result = await page.evaluate(() => axe.run(document, {resultTypes: ['violations']}));
	for (const violation of result.violations)
		fault(file, `axe (${what}): ${violation.impact}: ${violation.id}: ${violation.help}: ${violation.nodes[0].target} (${violation.nodes.length})`);
}

async function timeline(page, file) {
	const place = page.locator('#timeline-live');
	if (await place.count() === 0) return;
	await place.scrollIntoViewIfNeeded();
	await page.waitForSelector('#timeline-live .list tbody tr[data-at]');
	const began = Date.now();
	await page.fill('#timeline-search', 'connect');
	await page.waitForTimeout(100);
	const count = await page.locator('#timeline-live .count').textContent();
	const took = Date.now() - began;
	if (took > 1500) fault(file, `a search took ${took} ms`);
	const rows = await page.locator('#timeline-live tbody tr[data-at]').count();
	if (rows > 200) fault(file, `${rows} rows are in the page at once`);
	console.log(`${basename(file)}: search of the timeline finds ${count} in ${took} ms`);
	await page.fill('#timeline-search', '');
	await page.waitForTimeout(200);
	await page.locator('#timeline-live .list').focus();
	await page.keyboard.press('End');
	await page.waitForTimeout(200);
	const last = await page.evaluate(() => document.querySelector('#timeline-live tr.chosen')?.getAttribute('aria-rowindex'));
	const all = await page.evaluate(() => document.querySelector('#timeline-live table').getAttribute('aria-rowcount'));
	if (last !== all) fault(file, `End chose row ${last} of ${all}`);
}

async function flows(page, file) {
	const place = page.locator('#flows-live');
	if (await place.count() === 0) return;
	await page.locator('#flows').scrollIntoViewIfNeeded();
	await page.waitForSelector('#flows-live .list tbody tr[data-at]');
	const button = page.locator('#flows-live th button').first();
	const first = () => page.locator('#flows-live tbody tr[data-at] td').first().textContent();
	await button.click();
	const least = Number(await first());
	await button.click();
	const most = Number(await first());
	if (least > most) fault(file, `sorted by flow, ${least} comes before and ${most} after`);
	await page.fill('#flows-live .filter', 'nothing has this name');
	await page.waitForTimeout(200);
	if (await page.locator('#flows-live tbody tr[data-at]').count() !== 0) fault(file, 'a filter that nothing passes leaves rows');
	await page.fill('#flows-live .filter', '');
	await page.waitForTimeout(150);
}

async function ladder(page, file) {
	if (await page.locator('figure.ladder').count() === 0) return;
	const figure = page.locator('figure.ladder').first();
	const places = () => figure.locator('.row').evaluateAll((rows) => rows.map((row) => row.getAttribute('transform')).join());
	const drawn = await places();
	await figure.getByRole('button', {name: 'Draw the times to scale'}).click();
	await figure.getByRole('button', {name: 'Zoom in'}).click();
	await shot(page, file, 'scaled');
	await figure.getByRole('button', {name: 'Draw long times short'}).click();
	const back = (text) => text.replace(/\.0\)/g, ')');
	if (back(drawn) !== back(await places())) fault(file, 'a ladder does not come back from zooming as it was');
	const broken = await figure.locator('.row').evaluateAll((rows) => rows.filter((row) => /NaN|Infinity/.test(row.outerHTML)).length);
	if (broken) fault(file, `${broken} rows of a ladder stand nowhere`);
	await figure.locator('.row .label').first().hover();
	if (await page.locator('#tip').isHidden()) fault(file, 'no hint at a row of the ladder');
	await page.mouse.move(0, 0);
}

async function check(browser, file) {
	const light = await open(browser, file, {colorScheme: 'light'});
	await paint(light, file);
	await light.waitForTimeout(300);
	await shot(light, file, 'light');
	await ladder(light, file);
	await flows(light, file);
	await timeline(light, file);
	await accessible(light, file, 'light');
	await light.context().close();

	const dark = await open(browser, file, {colorScheme: 'dark'});
	await shot(dark, file, 'dark');
	await accessible(dark, file, 'dark');
	await dark.emulateMedia({media: 'print'});
	await shot(dark, file, 'print');
	if (shots) await dark.pdf({path: `${shots}/${basename(file, '.html')}.pdf`});
	await dark.context().close();

	const narrow = await open(browser, file, {viewport: {width: 390, height: 844}});
	const wide = await narrow.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
	if (wide > 0) fault(file, `${wide} pixels too wide for a narrow screen`);
	await shot(narrow, file, 'narrow');
	await narrow.context().close();

	const plain = await open(browser, file, {javaScriptEnabled: false});
	await shot(plain, file, 'plain');
	if (await plain.locator('h1').textContent() === '') fault(file, 'says nothing without JavaScript');
	const ladders = await plain.locator('figure.ladder svg .row').count(), lines = await plain.locator('table.evidence tbody tr').count();
	if (ladders !== lines) fault(file, `${ladders} rows are drawn, the tables have ${lines}`);
	await plain.context().close();
}

const browser = await chromium.launch({executablePath: browserPath, args: ['--no-sandbox']});
for (const file of files) await check(browser, file);
await browser.close();
faults.forEach((text) => console.log(text));
console.log(`page: ${files.length} files, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
