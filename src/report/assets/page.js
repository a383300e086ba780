'use strict';
/* The report's page comes to life: lists that sort, filter and search while only the visible rows exist, ladders to scale,
   buttons that copy. Everything here is extra: without it the page says the same. All text goes in as text, never as HTML. */
(() => {
	const make = (name, attributes = {}, ...children) => {
		const element = document.createElement(name);
		for (const [key, value] of Object.entries(attributes))
			if (key === 'text') element.textContent = value;
			else if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
			else if (value !== false && value !== null) element.setAttribute(key, value === true ? '' : value);
		element.append(...children);
		return element;
	};
	const read = (id) => JSON.parse(document.getElementById(id).textContent);
	const duration = (ns) =>
		ns < 0 ? '' : ns < 1e3 ? `${ns} ns` : ns < 1e6 ? `${+(ns / 1e3).toPrecision(3)} us`
			: ns < 1e9 ? `${+(ns / 1e6).toPrecision(3)} ms` : `${+(ns / 1e9).toPrecision(3)} s`;
	const seconds = (ns) => ns === null ? '?' : (ns / 1e9).toFixed(6);

	/* ---- a list of any length: a real table in which only what is to be seen exists -------------------------------- */
	const EXTRA = 20; /* rows beyond both edges */
	class List {
		constructor(place, rows, columns, options) {
			Object.assign(this, {rows, columns, options, shown: rows, words: [], sort: -1, down: false, chosen: -1});
			this.row = 26;
			this.body = make('tbody');
			this.head = make('tr');
			columns.forEach((column, index) => this.head.append(this.heading(column, index)));
			this.table = make('table', {'aria-rowcount': rows.length + 1}, make('thead', {}, this.head), this.body);
			this.view = make('div', {class: 'list', tabindex: 0, role: 'group', 'aria-label': options.label,
				onscroll: () => this.later(), onkeydown: (event) => this.key(event), onclick: (event) => this.click(event)}, this.table);
			this.detail = make('p', {class: 'detail', 'aria-live': 'polite'});
			place.append(this.view, this.detail);
			new ResizeObserver(() => this.later()).observe(this.view);
			this.draw();
		}
		heading(column, index) {
			if (!this.options.sorts) return make('th', {scope: 'col', text: column.name});
			return make('th', {scope: 'col', 'aria-sort': 'none'},
				make('button', {type: 'button', text: column.name, onclick: () => this.order(index)}));
		}
		order(index) {
			this.down = this.sort === index && !this.down;
			this.sort = index;
			[...this.head.children].forEach((cell, at) =>
				cell.setAttribute('aria-sort', at !== index ? 'none' : this.down ? 'descending' : 'ascending'));
			this.show(this.shown);
		}
		/* The rows that pass a filter, in the order that is set. */
		show(rows) {
			const column = this.columns[this.sort], sign = this.down ? -1 : 1;
			this.shown = column ? [...rows].sort((a, b) => {
				const x = column.key(a), y = column.key(b);
				return sign * (typeof x === 'number' ? x - y : String(x).localeCompare(String(y), 'en', {numeric: true}));
			}) : rows;
			this.table.setAttribute('aria-rowcount', this.shown.length + 1);
			this.chosen = -1;
			this.detail.textContent = '';
			this.from = -1;
			this.draw();
		}
		later() {
			if (this.waiting) return;
			this.waiting = true;
			requestAnimationFrame(() => { this.waiting = false; this.draw(); });
		}
		draw() {
			const height = this.view.clientHeight || 512;
			this.view.classList.toggle('few', this.shown.length < 18);
			const from = Math.max(0, Math.floor(this.view.scrollTop / this.row) - EXTRA) & ~1;
			const to = Math.min(this.shown.length, from + Math.ceil(height / this.row) + 2 * EXTRA);
			if (from === this.from && to === this.to) return;
			Object.assign(this, {from, to});
			const part = document.createDocumentFragment();
			part.append(this.space(from));
			for (let at = from; at < to; at++) part.append(this.line(at));
			part.append(this.space(this.shown.length - to));
			this.body.replaceChildren(part);
			const first = this.body.children[1];
			const tall = to > from && first ? first.getBoundingClientRect().height : 0; /* not rounded: it is multiplied */
			if (tall > 0 && Math.abs(tall - this.row) > 0.01) {
				this.row = tall; /* the reader's font decides */
				this.from = -1;
				if (!this.measured) { this.measured = true; this.draw(); }
			}
		}
		space(rows) {
			const cell = make('td', {colspan: this.columns.length});
			cell.style.height = `${rows * this.row}px`;
			return make('tr', {class: 'space', 'aria-hidden': 'true'}, cell);
		}
		line(at) {
			const row = this.shown[at];
			const line = make('tr', {'data-at': at, 'aria-rowindex': at + 2,
				class: `${this.options.kind ? this.options.kind(row) : ''}${at === this.chosen ? ' chosen' : ''}`});
			for (const column of this.columns) {
				const cell = make('td', {class: column.class || false});
				this.mark(cell, String(column.text ? column.text(row) : column.key(row)));
				line.append(cell);
			}
			return line;
		}
		mark(cell, text) {
			const word = this.words.find((one) => text.toLowerCase().includes(one));
			if (!word) { cell.textContent = text; return; }
			const at = text.toLowerCase().indexOf(word);
			cell.append(text.slice(0, at), make('mark', {text: text.slice(at, at + word.length)}), text.slice(at + word.length));
		}
		choose(at) {
			this.chosen = Math.max(0, Math.min(this.shown.length - 1, at));
			const top = this.chosen * this.row, head = this.head.offsetHeight, room = this.view.clientHeight - head;
			if (top < this.view.scrollTop) this.view.scrollTop = top;
			else if (top + this.row > this.view.scrollTop + room) this.view.scrollTop = top + this.row - room;
			this.detail.textContent = this.shown.length ? this.options.detail(this.shown[this.chosen]) : '';
			this.from = -1;
			this.draw();
		}
		click(event) {
			const line = event.target.closest('tr[data-at]');
			if (line) this.choose(Number(line.dataset.at));
		}
		key(event) {
			const page = Math.max(1, Math.floor(this.view.clientHeight / this.row) - 2);
			const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.shown.length, End: this.shown.length};
			if (!(event.key in steps) || event.target !== this.view || event.ctrlKey || event.metaKey || event.altKey) return;
			event.preventDefault();
			this.choose(this.chosen < 0 && event.key !== 'End' ? Math.floor(this.view.scrollTop / this.row) : this.chosen + steps[event.key]);
		}
	}

	/* Words that must all be there; a filter over rows whose text is made once. */
	const searcher = (rows, text) => {
		let made = null;
		return (words, keep) => {
			made = made || rows.map((row) => text(row).toLowerCase());
			return rows.filter((row, at) => (!keep || keep(row)) && words.every((word) => made[at].includes(word)));
		};
	};
	const wordsOf = (field) => field.value.toLowerCase().split(/\s+/).filter(Boolean);
	const debounced = (action) => {
		let timer = 0;
		return () => { clearTimeout(timer); timer = setTimeout(action, 80); };
	};

	const startFlows = (place) => {
		const rows = read('flows-data');
		const field = make('input', {type: 'search', class: 'filter', 'aria-label': 'Filter the flows', placeholder: 'Filter: address, name, state ...'});
		const count = make('span', {class: 'count', role: 'status'});
		place.append(make('div', {class: 'tools'}, field, count));
		const number = (name, at, text) => ({name, key: (row) => row[at], text, class: 'number'});
		const word = (name, at) => ({name, key: (row) => row[at]});
		const columns = [number('flow', 0), word('protocol', 1), word('local', 2),
			{name: 'dir', key: (row) => row[3], text: (row) => row[3] ? '\u2192' : '\u2190'}, word('remote', 4), word('name', 5),
			number('packets out', 6), number('packets in', 7), number('bytes out', 8), number('bytes in', 9),
			number('sent again', 10), number('round trip', 11, (row) => duration(row[11])), word('state', 12), word('history', 13)];
		const find = searcher(rows, (row) => row.join(' '));
		const list = new List(place, rows, columns, {label: 'Flows', sorts: true, detail: (row) =>
			`flow ${row[0]}: ${row[1]} ${row[2]} ${row[3] ? '\u2192' : '\u2190'} ${row[4]}${row[5] ? ` (${row[5]})` : ''}, ${row[12]}, history ${row[13]}`});
		const update = () => {
			list.words = wordsOf(field);
			list.show(find(list.words));
			count.textContent = `${list.shown.length} of ${rows.length}`;
		};
		field.addEventListener('input', debounced(update));
		update();
	};

	let timeline = null;
	const startTimeline = (place) => {
		const rows = read('timeline-data'), kinds = ['call', 'packet', 'fact'], on = [true, true, true];
		const field = make('input', {type: 'search', class: 'filter', id: 'timeline-search', 'aria-label': 'Search the timeline', placeholder: 'Search ( / )'});
		const count = make('span', {class: 'count', role: 'status'});
		const boxes = kinds.map((kind, at) => make('label', {}, make('input', {type: 'checkbox', checked: true,
			onchange: (event) => { on[at] = event.target.checked; update(); }}), ` ${kind}s`));
		place.append(make('div', {class: 'tools'}, field, ...boxes, count));
		const number = (row) => row[1] === 1 ? `${row[3] ? row[3] : ''}#${row[2]}` : '';
		const columns = [{name: 'seconds', key: (row) => row[0], text: (row) => seconds(row[0]), class: 'number'},
			{name: 'thread', key: (row) => row[4], text: (row) => row[4] || '', class: 'number'},
			{name: 'packet', key: number, class: 'number'}, {name: 'record', key: (row) => row[6], class: 'text'}];
		const find = searcher(rows, (row) => `${row[6]} ${row[5] || ''} ${row[4] || ''} ${number(row)}`);
		const list = new List(place, rows, columns, {label: 'Timeline', kind: (row) => `k${row[1]}`, detail: (row) =>
			`${seconds(row[0])} s  ${kinds[row[1]]} ${number(row) || row[2]}${row[5] ? `  ${row[5]}[${row[4]}]` : row[4] ? `  [${row[4]}]` : ''}\n${row[6]}`});
		const update = () => {
			list.words = wordsOf(field);
			list.show(find(list.words, on.every(Boolean) ? null : (row) => on[row[1]]));
			count.textContent = `${list.shown.length.toLocaleString('en')} of ${rows.length.toLocaleString('en')}`;
		};
		field.addEventListener('input', debounced(update));
		count.textContent = `${rows.length.toLocaleString('en')} of ${rows.length.toLocaleString('en')}`;
		return {list, field, go: (kind, id, input) => {
			field.value = '';
			boxes.forEach((box, at) => { box.firstChild.checked = on[at] = true; });
			update();
			const at = rows.findIndex((row) => row[1] === kind && row[2] === id && (kind !== 1 || row[3] === input));
			list.view.scrollIntoView({block: 'center'});
			list.view.focus();
			if (at >= 0) list.choose(at);
		}};
	};
	const timelineNow = () => {
		const place = document.getElementById('timeline-live');
		if (!timeline && place) {
			timeline = startTimeline(place);
			place.hidden = false;
			document.getElementById('timeline-static').hidden = true;
		}
		return timeline;
	};
	/* A list is made when it comes near the screen: parsing a hundred thousand records must not delay the first look. */
	const whenNear = (place, start) => {
		if (!place) return;
		place.hidden = false;
		const watch = new IntersectionObserver((entries) => {
			if (!entries.some((entry) => entry.isIntersecting)) return;
			watch.disconnect();
			start();
		}, {rootMargin: '400px'});
		watch.observe(place.parentElement);
	};
	const flows = document.getElementById('flows-live');
	whenNear(flows, () => { startFlows(flows); document.getElementById('flows-static').hidden = true; });
	whenNear(document.getElementById('timeline-live'), timelineNow);
	document.addEventListener('keydown', (event) => {
		if (event.key !== '/' || event.target.closest('input') || event.ctrlKey || event.metaKey || event.altKey) return;
		const started = timelineNow();
		if (!started) return;
		event.preventDefault();
		started.field.focus();
	});

	/* ---- ladders: to scale, hints, the row of the table beside ------------------------------------------------------- */
	const TOP = 74, SLOPE_LEAST = 5, HIGHEST = 30000;
	const tip = make('div', {id: 'tip', hidden: true, 'aria-hidden': 'true'});
	document.body.append(tip);
	class Ladder {
		constructor(figure) {
			this.figure = figure;
			this.frame = figure.querySelector('.drawing');
			this.svg = figure.querySelector('svg');
			this.span = Math.max(1, Number(this.svg.dataset.span));
			this.oneWay = Number(this.svg.dataset.oneWay);
			const grounds = this.svg.querySelectorAll('.ground');
			this.rows = [...this.svg.querySelectorAll('.row')].map((element, at) => new Row(element, grounds[at]));
			this.height = this.svg.viewBox.baseVal.height;
			this.poles = [...this.svg.querySelectorAll('.lane, .wire, .peer')];
			this.zoom = 0; /* 0: as it was drawn; else how many times the frame is filled */
			this.tools();
			this.frame.addEventListener('wheel', (event) => this.wheel(event), {passive: false});
			this.frame.addEventListener('keydown', (event) => this.key(event));
			this.hints();
		}
		tools() {
			const button = (text, label, action) => make('button', {type: 'button', text, 'aria-label': label, onclick: action});
			this.even = button('Long times short', 'Draw long times short', () => this.set(0));
			this.scaled = button('To scale', 'Draw the times to scale', () => this.set(1));
			this.closer = button('+', 'Zoom in', () => this.set(Math.max(1, this.zoom * 2)));
			this.wider = button('\u2212', 'Zoom out', () => this.set(this.zoom / 2));
			this.scale = make('span', {class: 'count', role: 'status'});
			this.frame.before(make('div', {class: 'tools'}, this.even, this.scaled, this.closer, this.wider, this.scale));
			this.buttons();
		}
		buttons() {
			this.even.setAttribute('aria-pressed', String(this.zoom === 0));
			this.scaled.setAttribute('aria-pressed', String(this.zoom > 0));
			this.wider.disabled = this.zoom <= 1;
			this.scale.textContent = this.zoom ? `${duration(this.span / this.zoom)} in one view, of ${duration(this.span)}` : '';
		}
		wheel(event) {
			if (!event.ctrlKey) return;
			event.preventDefault();
			this.set(event.deltaY < 0 ? Math.max(1, this.zoom * 1.25) : this.zoom / 1.25, event.clientY);
		}
		key(event) {
			if (event.key === '+') this.set(Math.max(1, this.zoom * 2));
			else if (event.key === '-') this.set(this.zoom / 2);
			else if (event.key === '0') this.set(0);
		}
		/* Zooms so that the moment under the pointer (or in the middle) stays where it is. */
		set(zoom, clientY) {
			const view = this.frame.clientHeight, box = this.frame.getBoundingClientRect();
			const offset = clientY === undefined ? view / 2 : clientY - box.top;
			const moment = (this.frame.scrollTop + offset) / this.frame.scrollHeight;
			this.zoom = zoom < 1 ? 0 : Math.min(zoom, HIGHEST / 400);
			this.frame.classList.toggle('scaled', this.zoom > 0);
			const height = this.zoom ? TOP + 400 * this.zoom + 60 : this.height;
			const perNs = this.zoom ? 400 * this.zoom / this.span : 0;
			this.svg.setAttribute('viewBox', `0 0 1000 ${height}`);
			this.poles.forEach((pole) => pole.setAttribute('y2', height - 6));
			this.svg.querySelectorAll('.pause').forEach((pause) => pause.setAttribute('visibility', this.zoom ? 'hidden' : 'visible'));
			const last = {call: -99, packet: -99, time: -99};
			for (const row of this.rows) row.place(perNs, this.oneWay, last);
			this.frame.scrollTop = moment * this.frame.scrollHeight - offset;
			this.buttons();
		}
		hints() {
			const lines = this.figure.querySelectorAll('.evidence tbody tr');
			const light = (at, lit) => {
				this.rows[at]?.ground.classList.toggle('lit', lit);
				lines[at]?.classList.toggle('lit', lit);
			};
			this.rows.forEach((row, at) => {
				row.element.addEventListener('pointerenter', () => light(at, true));
				row.element.addEventListener('pointermove', (event) => this.hint(event, row.hint));
				row.element.addEventListener('pointerleave', () => { light(at, false); tip.hidden = true; });
			});
			lines.forEach((line, at) => {
				line.addEventListener('pointerenter', () => light(at, true));
				line.addEventListener('pointerleave', () => light(at, false));
				line.addEventListener('focusin', () => light(at, true));
				line.addEventListener('focusout', () => light(at, false));
				this.link(line);
			});
		}
		hint(event, text) {
			tip.textContent = text;
			tip.hidden = false;
			tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
			tip.style.top = `${event.clientY + 20 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10 : event.clientY + 20}px`;
		}
		link(line) {
			if (!document.getElementById('timeline-live')) return;
			const cell = line.children[1], {kind, number, input} = line.dataset;
			cell.replaceChildren(make('button', {type: 'button', text: cell.textContent, title: 'Show it in the timeline',
				onclick: () => timelineNow().go(Number(kind), Number(number), Number(input))}));
		}
	}
	class Row {
		constructor(element, ground) {
			this.element = element;
			this.ground = ground;
			this.at = Number(element.dataset.at);
			this.end = Number(element.dataset.end);
			this.was = element.getAttribute('transform');
			const title = element.querySelector('title');
			this.hint = title.textContent;
			title.remove(); /* shown by the tip; the table has it for who cannot point */
			this.bar = element.querySelector('.bar');
			this.barWas = this.bar?.getAttribute('height');
			this.arrow = element.querySelector('.arrow');
			this.moved = [...element.querySelectorAll('.head, .middle, .fate, .packet .label')];
			this.labels = [...element.querySelectorAll('.label, .time')];
			if (this.arrow) this.slopeWas = this.arrow.getAttribute('y2') - this.arrow.getAttribute('y1');
		}
		/* `last`: how far down labels reach already, by column; those that would touch are left to the hint. */
		place(perNs, oneWay, last) {
			const y = perNs ? TOP + this.at * perNs : Number(/ ([\d.-]+)\)/.exec(this.was)[1]);
			const side = this.arrow ? 'packet' : 'call';
			const fits = (column) => {
				const visible = !perNs || y - last[column] >= 13;
				if (visible) last[column] = y;
				return visible ? 'visible' : 'hidden';
			};
			this.labels.forEach((label) => label.setAttribute('visibility', fits(label.classList.contains('time') ? 'time' : side)));
			this.element.setAttribute('transform', `translate(0 ${y})`);
			this.ground.setAttribute('transform', `translate(0 ${y})`);
			this.bar?.setAttribute('height', perNs ? Math.max(4, (this.end - this.at) * perNs) : this.barWas);
			if (this.arrow) this.slope(perNs ? Math.max(SLOPE_LEAST, oneWay * perNs) : this.slopeWas);
		}
		slope(slope) {
			const enters = this.arrow.getAttribute('x1') > this.arrow.getAttribute('x2');
			this.arrow.setAttribute('y1', enters ? -slope : 0);
			this.arrow.setAttribute('y2', enters ? 0 : slope);
			for (const part of this.moved) {
				if (part.classList.contains('head')) {
					if (!enters) part.setAttribute('transform', `translate(${this.arrow.getAttribute('x2')} ${slope})`);
				} else if (part.classList.contains('middle')) part.setAttribute('cy', enters ? -slope : slope);
				else if (part.classList.contains('fate')) part.setAttribute('y', slope + 5);
				else if (part.classList.contains('below')) part.setAttribute('y', enters ? 10.5 : slope + 9);
				else part.setAttribute('y', (enters ? -slope : slope) * Number(part.dataset.share) - 4);
			}
		}
	}
	document.querySelectorAll('figure.ladder').forEach((figure) => new Ladder(figure));

	/* ---- commands to copy; paper ------------------------------------------------------------------------------------- */
	const copy = (text, button) => {
		const done = () => { button.textContent = 'Copied'; setTimeout(() => { button.textContent = 'Copy'; }, 1500); };
		if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => select(button));
		else select(button);
	};
	const select = (button) => getSelection().selectAllChildren(button.previousElementSibling);
	document.querySelectorAll('.command').forEach((command) => {
		const line = make('div', {class: 'command-line'});
		command.replaceWith(line);
		const button = make('button', {type: 'button', class: 'copy', text: 'Copy', onclick: () => copy(command.textContent, button)});
		line.append(command, button);
	});
	let opened = [];
	addEventListener('beforeprint', () => {
		opened = [...document.querySelectorAll('details:not([open])')];
		opened.forEach((part) => { part.open = true; });
	});
	addEventListener('afterprint', () => opened.forEach((part) => { part.open = false; }));
})();
