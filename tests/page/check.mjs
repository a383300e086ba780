// tests/page/check.mjs FILE.html... [--ladders FILE.html...] [--shots DIR]: does a page keep its promises in a real browser?
//
// Of each FILE: no request but for the file itself, nothing refused by its own policy, no error, a first look that costs little,
// lists that search, sort and answer to the keyboard, ladders that zoom, everything said without JavaScript, on paper and on a
// narrow screen, readable colours and names for who cannot see (accessible.mjs; axe-core as well, where PAGE_MODULES names the
// folder whose node_modules has it). Of those behind --ladders: no text in a picture lies on another or is cut. One line a
// fault; exit status 1 when there is any, 77 without Chromium (CHROMIUM: its path). --shots: pictures to look at.
import {createRequire} from 'node:module';
import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import {basename, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';
import {launch} from './browser.mjs';
import {faultsOfAccess} from './accessible.mjs';

const PAINT_MS = 2000; // of processor time, until everything of the first look is there
const browserPath = process.env.CHROMIUM || '/usr/bin/chromium';
if (!existsSync(browserPath)) {
	console.log('page: left out, no Chromium (CHROMIUM)');
	process.exit(77);
}
let axe = null;
try {
	axe = readFileSync(createRequire(resolve(process.env.PAGE_MODULES || '.', 'here.js')).resolve('axe-core/axe.min.js'), 'utf8');
} catch { /* extra */ }

const whole = [], drawn = [], faults = [];
let shots = null, files = whole;
for (let at = 2; at < process.argv.length; at++)
	if (process.argv[at] === '--shots') shots = process.argv[++at];
	else if (process.argv[at] === '--ladders') files = drawn;
	else files.push(process.argv[at]);
if (shots) mkdirSync(shots, {recursive: true});

const fault = (file, text) => faults.push(`${basename(file)}: ${text}`);
const shot = (page, file, name, selector) =>
	shots ? page.picture(`${shots}/${basename(file, '.html')}-${name}.png`, selector) : null;

// What a page asked for and what the browser complained of, since it was last asked.
function hear(page, file) {
	const own = pathToFileURL(resolve(file)).href;
	for (const url of page.requests) if (url.split('#')[0] !== own && !url.startsWith('data:')) fault(file, `asks for ${url}`);
	for (const text of page.complaints) fault(file, text);
	page.requests = [];
	page.complaints = [];
}

async function with_page(browser, file, options, look) {
	const page = await browser.page(options);
	await page.open(file);
	await look(page, file);
	hear(page, file);
	await page.close();
}

async function paint(page, file) {
	const wall = await page.ask(() => new Promise((done) =>
		new PerformanceObserver((list) => done(list.getEntries()[0].startTime)).observe({type: 'paint', buffered: true})));
	const cost = await page.processorMs();
	console.log(`${basename(file)}: first paint after ${Math.round(wall)} ms, ${Math.round(cost)} ms of the processor until it stood`);
	if (cost > PAINT_MS) fault(file, `the first look costs ${Math.round(cost)} ms of the processor`);
}

const near = (page, selector) => page.ask((path) => document.querySelector(path).scrollIntoView({block: 'center'}), selector);
const count = (page, selector) => page.ask((path) => document.querySelectorAll(path).length, selector);

async function timeline(page, file) {
	if (!await count(page, '#timeline-live')) return;
	await near(page, '#timeline');
	await page.until(() => document.querySelector('#timeline-live .list tbody tr[data-at]'));
	const counter = () => document.querySelector('#timeline-live .count').textContent;
	const all = await page.ask(counter);
	await page.ask(() => document.activeElement.blur());
	await page.key('/');
	if (await page.ask(() => document.activeElement.id) !== 'timeline-search') fault(file, '/ does not go to the search');
	const word = await page.ask(() => document.querySelector('#timeline-live tr[data-at] .text').textContent.match(/[a-z]{3,}/)[0]);
	await page.fill('#timeline-search', word);
	await page.until((before, few) => few || document.querySelector('#timeline-live .count').textContent !== before, all, all === '1 of 1');
	const rows = await count(page, '#timeline-live tbody tr[data-at]');
	if (rows > 200) fault(file, `${rows} rows are in the page at once`);
	const others = await page.ask((wanted) => [...document.querySelectorAll('#timeline-live tbody tr[data-at] .text')]
		.filter((cell) => !cell.textContent.includes(wanted)).length, word);
	if (others || !rows) fault(file, `a search for "${word}" shows ${rows} rows, ${others} of them without it`);
	await page.fill('#timeline-search', '');
	await page.until((before) => document.querySelector('#timeline-live .count').textContent === before, all);
	await page.ask(() => document.querySelector('#timeline-live .list').focus());
	const chosen = () => {
		const last = document.querySelector('#timeline-live tr.chosen');
		return Boolean(last) && last.getAttribute('aria-rowindex') === document.querySelector('#timeline-live table').getAttribute('aria-rowcount');
	};
	// The search runs a moment behind what was typed, and forgets what was chosen before.
	for (let tries = 0; tries < 10 && !await page.ask(chosen); tries++) {
		await page.key('End');
		await new Promise((done) => setTimeout(done, 200));
	}
	await page.until(chosen);
	const seen = await page.ask(() => {
		const [row, view] = ['tr.chosen', '.list'].map((path) => document.querySelector(`#timeline-live ${path}`).getBoundingClientRect());
		return row.top >= view.top - 1 && row.bottom <= view.bottom + 1;
	});
	if (!seen) fault(file, 'the row that End chooses is out of sight');
}

async function flows(page, file) {
	if (!await count(page, '#flows-live')) return;
	await near(page, '#flows');
	await page.until(() => document.querySelector('#flows-live .list tbody tr[data-at]'));
	const first = () => page.ask(() => Number(document.querySelector('#flows-live tbody tr[data-at] td').textContent));
	await page.click('#flows-live th button');
	const least = await first();
	await page.ask(() => document.querySelector('#flows-live th button').focus());
	await page.key('Enter'); // the same by keyboard
	const most = await first();
	if (least > most) fault(file, `sorted by flow, ${least} comes before and ${most} after`);
	await page.fill('#flows-live .filter', 'nothing has this name');
	await page.until(() => document.querySelectorAll('#flows-live tbody tr[data-at]').length === 0);
	await page.fill('#flows-live .filter', '');
	await page.until(() => document.querySelectorAll('#flows-live tbody tr[data-at]').length > 0);
}

async function ladder(page, file) {
	if (!await count(page, 'figure.ladder')) return;
	const places = () => page.ask(() => [...document.querySelector('figure.ladder').querySelectorAll('.row')]
		.map((row) => row.getAttribute('transform').replace(/\.0\)/, ')')).join());
	const press = (label) => page.click(`figure.ladder button[aria-label="${label}"]`);
	const before = await places();
	await press('Draw the times to scale');
	await press('Zoom in');
	await shot(page, file, 'scaled', 'figure.ladder');
	const nowhere = await page.ask(() => [...document.querySelectorAll('.row')].filter((row) => /NaN|Infinity/.test(row.outerHTML)).length);
	if (nowhere) fault(file, `${nowhere} rows of a ladder stand nowhere`);
	await press('Draw long times short');
	if (before !== await places()) fault(file, 'a ladder does not come back from zooming as it was');
	await page.point('figure.ladder .row .label');
	if (await page.ask(() => document.getElementById('tip').hidden)) fault(file, 'no hint at a row of the ladder');
	await page.ask(() => document.querySelector('figure.ladder .drawing').focus());
	await page.key('+');
	if (before === await places()) fault(file, 'a ladder does not zoom by keyboard');
	await page.key('0');
}

async function accessible(page, file) {
	await page.ask(() => document.querySelectorAll('details').forEach((part) => { part.open = true; }));
	for (const text of await page.ask(faultsOfAccess)) fault(file, text);
	if (!axe) return;
	await page.ask(axe); // not a script of the page: its policy does not reach it
	const violations = await page.ask(() => axe.run(document, {resultTypes: ['violations']}).then((result) =>
		result.violations.map((one) => `axe: ${one.impact}: ${one.id}: ${one.help}: ${one.nodes[0].target} (${one.nodes.length})`)));
	for (const text of violations) fault(file, text);
}

async function check(browser, file) {
	await with_page(browser, file, {}, async (page) => {
		await paint(page, file);
		await shot(page, file, 'light');
		await ladder(page, file);
		await flows(page, file);
		await timeline(page, file);
		await accessible(page, file);
	});
	await with_page(browser, file, {scheme: 'dark'}, async (page) => {
		await shot(page, file, 'dark');
		await accessible(page, file);
		await page.media('dark', 'print');
		await shot(page, file, 'print');
		if (shots) await page.paper(`${shots}/${basename(file, '.html')}.pdf`);
	});
	await with_page(browser, file, {width: 390, height: 844}, async (page) => {
		const wide = await page.ask(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
		if (wide > 0) fault(file, `${wide} pixels too wide for a narrow screen`);
		await shot(page, file, 'narrow');
	});
	await with_page(browser, file, {scripts: false}, async (page) => {
		await shot(page, file, 'plain');
		if (!await page.ask(() => document.querySelector('h1').textContent)) fault(file, 'says nothing without JavaScript');
		const rows = await count(page, 'figure.ladder svg .row'), lines = await count(page, 'table.evidence tbody tr');
		if (rows !== lines) fault(file, `${rows} rows are drawn, the tables have ${lines}`);
	});
}

/* ---- pictures: what a look would find ---------------------------------------------------------------------------- */

// In the page: texts that lie on each other, that stick out of their picture, that run into the bars of the calls.
function faultsOfLadders() {
	const found = [];
	const box = (element) => element.getBoundingClientRect();
	const meet = (a, b, least) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > least &&
		Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > least;
	for (const svg of document.querySelectorAll('figure.ladder svg')) {
		const frame = box(svg), texts = [...svg.querySelectorAll('text')].filter((text) => text.textContent.trim());
		const boxes = texts.map(box), bars = [...svg.querySelectorAll('.bar')].map(box);
		texts.forEach((text, at) => {
			const own = boxes[at], said = `"${text.textContent}"`;
			if (own.left < frame.left - 1 || own.right > frame.right + 1 || own.top < frame.top - 1 || own.bottom > frame.bottom + 1)
				found.push(`${said} sticks out of the picture`);
			for (let other = at + 1; other < texts.length; other++)
				if (meet(own, boxes[other], 3)) found.push(`${said} lies on "${texts[other].textContent}"`);
			if (text.closest('.row, .pause') && bars.some((bar) => meet(own, bar, 1))) found.push(`${said} runs into a bar`);
		});
	}
	return found;
}

async function ladders(browser, files) {
	const page = await browser.page();
	for (const file of files) {
		await page.open(file);
		for (const text of await page.ask(faultsOfLadders)) fault(file, text);
		if (await count(page, 'figure.ladder')) await shot(page, file, 'ladder', 'figure.ladder');
		hear(page, file);
	}
	await page.close();
}

const browser = await launch(browserPath);
try {
	for (const file of whole) await check(browser, file);
	await ladders(browser, [...whole, ...drawn]);
} catch (error) {
	faults.push(error.stack);
}
await browser.close();
faults.forEach((text) => console.log(text));
console.log(`page: ${whole.length} pages, ${whole.length + drawn.length} with ladders, ${axe ? 'with' : 'without'} axe, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
