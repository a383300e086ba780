// What of WCAG 2.1 can be told by looking at the page alone, for machines that have no axe-core: names of controls and pictures,
// contrast of every text, headings in order, ids once, tables with heads, a language, nothing scrollable that no key reaches.
// Runs inside the page, so it must stand alone; gives one line a fault.
export function faultsOfAccess() {
	const found = [], all = (path) => [...document.querySelectorAll(path)];
	const shown = (element) => element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
	const told = (element) => `<${element.localName}${element.id ? `#${element.id}` : ''} class="${element.getAttribute('class') || ''}">`;
	const named = (element) => {
		const by = (element.getAttribute('aria-labelledby') || '').split(' ').map((id) => document.getElementById(id)?.textContent || '');
		return (element.getAttribute('aria-label') || by.join('') || element.closest('label')?.textContent || element.textContent).trim();
	};

	for (const one of all('a, button, input, summary, [role=img], [role=group], [tabindex="0"]'))
		if (shown(one) && !named(one)) found.push(`${told(one)} has no name`);
	for (const one of all('svg')) if (!['img', 'presentation'].includes(one.getAttribute('role')) && one.getAttribute('aria-hidden') !== 'true')
		found.push(`${told(one)} is a picture that says nothing of itself`);
	const ids = all('[id]').map((one) => one.id);
	new Set(ids.filter((id, at) => ids.indexOf(id) !== at)).forEach((id) => found.push(`id ${id} stands twice`));
	for (const attribute of ['aria-labelledby', 'aria-describedby'])
		for (const one of all(`[${attribute}]`))
			for (const id of one.getAttribute(attribute).split(' '))
				if (!document.getElementById(id)) found.push(`${told(one)}: ${attribute} names ${id}, which is not there`);
	let level = 0;
	for (const one of all('h1, h2, h3, h4, h5, h6')) {
		const now = Number(one.localName[1]);
		if (now > level + 1) found.push(`${told(one)} "${one.textContent.slice(0, 40)}" follows a heading of level ${level}`);
		level = now;
	}
	if (all('h1').length !== 1) found.push(`${all('h1').length} headings of the first level`);
	if (!document.documentElement.lang) found.push('no language');
	for (const one of all('main table')) if (!one.querySelector('th')) found.push(`${told(one)} has no heads`);
	for (const one of all('main *')) {
		const style = getComputedStyle(one), scrolls = /auto|scroll/.test(style.overflowX + style.overflowY);
		const more = one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1;
		if (scrolls && more && shown(one) && one.tabIndex < 0 && !one.querySelector('a, button, input')) found.push(`${told(one)} scrolls, but not by keyboard`);
	}

	// Contrast: the colour of each text against what lies behind it.
	const parse = (text) => (/[\d.]+(, ?| )[\d.]+(, ?| )[\d.]+/.test(text) ? text.match(/[\d.]+/g).map(Number) : null);
	const light = ([r, g, b]) => [r, g, b].map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
		.reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
	const behind = (element) => {
		for (let at = element; at; at = at.parentElement) {
			const colour = parse(getComputedStyle(at).backgroundColor);
			if (colour && (colour[3] === undefined || colour[3] > 0.99)) return colour;
		}
		return parse(getComputedStyle(document.documentElement).getPropertyValue('color-scheme')) || [255, 255, 255];
	};
	const seen = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node = walk.nextNode(); node; node = walk.nextNode()) {
		const element = node.parentElement;
		if (!node.data.trim() || seen.has(element) || element.closest('script, style, [hidden], title, desc, #tip') || !shown(element)) continue;
		seen.add(element);
		const style = getComputedStyle(element), inSvg = element instanceof SVGElement;
		const ground = inSvg && element.closest('.row.proof') ? document.querySelector('.ground.proof') : null;
		const front = parse(inSvg ? style.fill : style.color), back = ground ? parse(getComputedStyle(ground).fill) : behind(element);
		const [high, low] = [light(front), light(back)].sort((a, b) => b - a);
		const ratio = (high + 0.05) / (low + 0.05), large = parseFloat(style.fontSize) >= 24;
		if (ratio < (large ? 3 : 4.5)) found.push(`${told(element)} "${node.data.trim().slice(0, 30)}": contrast ${ratio.toFixed(2)}`);
		if (seen.size > 4000) break;
	}
	return found.slice(0, 20);
}
