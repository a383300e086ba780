// Chromium by its own protocol over two pipes: no library but node's, no port, no network.
//
// launch() gives a Browser, its page() a Page that knows what a reader does: open, look, click, type, print. Knows nothing of reports.
import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

const PATIENCE_MS = 120000; // for one answer, on the busiest machine; what takes longer hangs
const SWITCHES = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync', '--disable-default-apps', '--disable-extensions', '--disable-dev-shm-usage',
	'--no-proxy-server', '--host-resolver-rules=MAP * ~NOTFOUND', '--remote-debugging-pipe'];

export async function launch(path) {
	const profile = mkdtempSync(join(tmpdir(), 'page-'));
	const child = spawn(path, [...SWITCHES, `--user-data-dir=${profile}`], {stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']});
	return new Browser(child, profile);
}

class Browser {
	constructor(child, profile) {
		Object.assign(this, {child, profile, next: 1, waiting: new Map(), listeners: new Map(), rest: []});
		child.stdio[4].on('data', (bytes) => this.read(bytes));
		child.stdio[3].on('error', () => {});
		this.gone = new Promise((done) => child.once('exit', done));
		child.once('exit', () => this.waiting.forEach(({fail}) => fail(new Error('the browser is gone'))));
	}
	// Messages end with a zero byte.
	read(bytes) {
		for (let end; (end = bytes.indexOf(0)) >= 0; bytes = bytes.subarray(end + 1)) {
			this.take(JSON.parse(Buffer.concat([...this.rest, bytes.subarray(0, end)]).toString()));
			this.rest = [];
		}
		if (bytes.length) this.rest.push(bytes);
	}
	take(message) {
		if (!message.id) {
			(this.listeners.get(message.sessionId) || (() => {}))(message.method, message.params);
			return;
		}
		const {done, fail, what, timer} = this.waiting.get(message.id);
		this.waiting.delete(message.id);
		clearTimeout(timer);
		if (message.error) fail(new Error(`${what}: ${message.error.message}`));
		else done(message.result);
	}
	send(what, params = {}, sessionId = undefined) {
		const id = this.next++;
		return new Promise((done, fail) => {
			const timer = setTimeout(() => fail(new Error(`${what}: no answer`)), PATIENCE_MS);
			this.waiting.set(id, {done, fail, what, timer});
			this.child.stdio[3].write(`${JSON.stringify({id, method: what, params, sessionId})}\0`);
		});
	}
	async page(options = {}) {
		const {browserContextId} = await this.send('Target.createBrowserContext');
		const {targetId} = await this.send('Target.createTarget', {url: 'about:blank', browserContextId});
		const {sessionId} = await this.send('Target.attachToTarget', {targetId, flatten: true});
		const page = new Page(this, sessionId, browserContextId);
		await page.begin(options);
		return page;
	}
	async close() {
		this.child.kill('SIGKILL');
		await this.gone;
		rmSync(this.profile, {recursive: true, force: true, maxRetries: 5});
	}
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

class Page {
	constructor(browser, session, context) {
		Object.assign(this, {browser, session, context, requests: [], complaints: []});
		browser.listeners.set(session, (what, params) => this.hear(what, params));
	}
	send(what, params) { return this.browser.send(what, params, this.session); }
	async begin({width = 1280, height = 900, scheme = 'light', scripts = true}) {
		for (const part of ['Page', 'Runtime', 'Network', 'Log', 'DOM']) await this.send(`${part}.enable`);
		await this.send('Performance.enable', {timeDomain: 'threadTicks'}); // processor time: others on the machine do not count
		await this.send('Emulation.setDeviceMetricsOverride', {width, height, deviceScaleFactor: 1, mobile: false});
		await this.send('Emulation.setScrollbarsHidden', {hidden: true});
		await this.media(scheme);
		if (!scripts) await this.send('Emulation.setScriptExecutionDisabled', {value: true});
	}
	media(scheme, medium = '') {
		return this.send('Emulation.setEmulatedMedia', {media: medium, features: [{name: 'prefers-color-scheme', value: scheme}]});
	}
	hear(what, params) {
		if (what === 'Network.requestWillBeSent') this.requests.push(params.request.url);
		if (what === 'Runtime.exceptionThrown') this.complaints.push(params.exceptionDetails.exception?.description || params.exceptionDetails.text);
		if (what === 'Log.entryAdded' && ['error', 'warning'].includes(params.entry.level)) this.complaints.push(params.entry.text);
		if (what === 'Runtime.consoleAPICalled' && ['error', 'warning'].includes(params.type)) this.complaints.push('console');
		if (what === 'Page.javascriptDialogOpening') {
			this.complaints.push(`dialog: ${params.message}`);
			this.send('Page.handleJavaScriptDialog', {accept: false});
		}
	}
	async open(file) {
		const {errorText} = await this.send('Page.navigate', {url: pathToFileURL(resolve(file)).href});
		if (errorText) throw new Error(`${file}: ${errorText}`);
		await this.until(() => document.readyState === 'complete' && location.protocol === 'file:');
	}
	// What a function says inside the page; its arguments and its answer are plain data.
	async ask(what, ...given) {
		const expression = typeof what === 'string' ? what : `(${what})(...${JSON.stringify(given)})`;
		const {result, exceptionDetails} = await this.send('Runtime.evaluate', {expression, returnByValue: true, awaitPromise: true});
		if (exceptionDetails) throw new Error(exceptionDetails.exception?.description || exceptionDetails.text);
		return result.value;
	}
	// Until it says yes; a machine may be slow, so only what never comes is a fault.
	async until(what, ...given) {
		for (const began = Date.now(); Date.now() - began < PATIENCE_MS; await wait(25)) {
			const answer = await this.ask(what, ...given);
			if (answer) return answer;
		}
		throw new Error(`never came: ${what}`);
	}
	async processorMs() {
		const {metrics} = await this.send('Performance.getMetrics');
		return 1000 * metrics.find((one) => one.name === 'TaskDuration').value;
	}
	async middle(selector, index = 0) {
		return this.until((path, at) => {
			const element = document.querySelectorAll(path)[at];
			if (!element) return null;
			element.scrollIntoView({block: 'center'});
			const {left, top, width, height} = element.getBoundingClientRect();
			return width && height ? {x: left + width / 2, y: top + height / 2} : null;
		}, selector, index);
	}
	async point(selector, index = 0) {
		const place = await this.middle(selector, index);
		await this.send('Input.dispatchMouseEvent', {type: 'mouseMoved', ...place});
		return place;
	}
	async click(selector, index = 0) {
		const place = await this.point(selector, index);
		for (const type of ['mousePressed', 'mouseReleased'])
			await this.send('Input.dispatchMouseEvent', {type, button: 'left', clickCount: 1, ...place});
	}
	async key(key, text = undefined) {
		const known = {Tab: 9, Enter: 13, End: 35, Home: 36, ArrowDown: 40, PageDown: 34, Escape: 27};
		const common = {key, code: key.length > 1 ? key : undefined, windowsVirtualKeyCode: known[key] || key.toUpperCase().charCodeAt(0)};
		const sign = text ?? (key === 'Enter' ? '\r' : key.length === 1 ? key : undefined);
		await this.send('Input.dispatchKeyEvent', {type: sign ? 'keyDown' : 'rawKeyDown', text: sign, ...common});
		await this.send('Input.dispatchKeyEvent', {type: 'keyUp', ...common});
	}
	async fill(selector, text) {
		await this.ask((path) => { const field = document.querySelector(path); field.focus(); field.select(); }, selector);
		if (text) await this.send('Input.insertText', {text});
		else await this.ask((path) => {
			const field = document.querySelector(path);
			field.value = '';
			field.dispatchEvent(new Event('input', {bubbles: true}));
		}, selector);
	}
	async picture(file, selector = null) {
		const box = await this.ask((path) => {
			const {left, top, width, height} = (path ? document.querySelector(path) : document.documentElement).getBoundingClientRect();
			return {x: left + scrollX, y: top + scrollY, width, height: Math.min(height, 12000)};
		}, selector);
		const {data} = await this.send('Page.captureScreenshot', {clip: {...box, scale: 1}, captureBeyondViewport: true});
		writeFileSync(file, Buffer.from(data, 'base64'));
	}
	async paper(file) {
		const {data} = await this.send('Page.printToPDF', {preferCSSPageSize: true, printBackground: true});
		writeFileSync(file, Buffer.from(data, 'base64'));
	}
	async close() {
		this.browser.listeners.delete(this.session);
		await this.browser.send('Target.disposeBrowserContext', {browserContextId: this.context});
	}
}
