/* See verdict_page.h. Enters: rows of rules. Leaves: text on a stream. The words are the rules' own: nothing is said twice. */
#include "src/verdict_page.h"

#include <ctype.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/report/page.h"
#include "src/report/report.h"
#include "src/report/words.h"

#define WIDTH 80
#define LABEL 13
#define CODE_COLUMN 26

/* Those whose name would not read as what it stands for. */
static const char *word_of(const char *name, size_t length)
{
	static const struct {
		const char *name, *word;
	} words[] = {{"the|each", "the"}, {"icmp", "TYPE"}, {"its_pid", "PID"}};

	for (size_t i = 0; i < SW_COUNT(words); i++)
		if (strlen(words[i].name) == length && memcmp(words[i].name, name, length) == 0)
			return words[i].word;
	return NULL;
}

/* {remote_ip} becomes REMOTE_IP, {syns:SYN} becomes "N SYNs". */
static const char *put_place(FILE *out, const char *place)
{
	const char *end = strchr(place, '}'), *word = end ? word_of(place + 1, (size_t)(end - place - 1)) : NULL;
	const char *colon = end ? memchr(place, ':', (size_t)(end - place)) : NULL;
	if (!end) {
		fputc(*place, out);
		return place + 1;
	}
	if (word)
		fputs(word, out);
	else if (colon)
		fprintf(out, "N %.*ss", (int)(end - colon - 1), colon + 1);
	else
		for (const char *c = place + 1; c < end; c++)
			fputc(toupper((unsigned char)*c), out);
	return end + 1;
}

char *sw_verdict_text(const char *text)
{
	char *plain = NULL;
	size_t length = 0;
	FILE *out = text ? open_memstream(&plain, &length) : NULL;
	if (!text)
		return NULL;
	if (!out)
		abort();
	for (const char *c = text; *c;) {
		if (*c == '{') {
			c = put_place(out, c);
			continue;
		}
		if (*c != '`') /* the document is Markdown */
			fputc(*c, out);
		c++;
	}
	fclose(out);
	return plain;
}

static void put(const struct sw_page *page, const char *label, const char *text)
{
	sw_auto_free char *plain = sw_verdict_text(text);
	sw_page_put(page, &(struct sw_paragraph){.label = label, .text = plain});
}

static void put_list(const struct sw_page *page, const char *label, const char *const texts[SW_RULE_TEXTS])
{
	for (size_t i = 0; i < SW_RULE_TEXTS && texts[i]; i++)
		put(page, i == 0 ? label : NULL, texts[i]);
}

static void put_next(const struct sw_page *page, const struct sw_rule_next *next, bool first)
{
	sw_auto_free char *command = sw_verdict_text(next->command);
	sw_auto_free char *expect = next->expect ? sw_format("  (expect: %s)", next->expect) : NULL;
	sw_auto_free char *template = sw_format("%s: %s", sw_place_text(next->where), next->text);
	sw_auto_free char *text = sw_verdict_text(template);
	sw_page_put(page, &(struct sw_paragraph){.label = first ? "next" : NULL, .text = text});
	if (command)
		sw_page_command(page, NULL, "  ", command, SW_STYLE_STRONG);
	put(page, NULL, expect);
}

/* Of those that can hold for the same symptom. */
static char *beaten_by(const struct sw_rule *rule)
{
	char *list = NULL;
	const struct sw_rule *other;
	for (size_t i = 0; (other = sw_rule_get(i)); i++) {
		if (!(other->symptoms & rule->symptoms) || !sw_rule_beats(other, rule))
			continue;
		char *longer = sw_format("%s%s%s", list ? list : "", list ? " " : "", other->code);
		free(list);
		list = longer;
	}
	return list;
}

static struct sw_page page_on(FILE *out)
{
	unsigned width = sw_report_width(out);
	return (struct sw_page){.out = out,
				.width = width ? width : WIDTH,
				.colour = sw_report_colour(out),
				.indent = 2,
				.label_width = LABEL};
}

void sw_verdict_page(const struct sw_rule *rule, FILE *out)
{
	struct sw_page page = page_on(out), head = page;
	sw_auto_free char *better = beaten_by(rule);
	sw_auto_free char *title = sw_verdict_text(rule->title);
	sw_auto_free char *headline = sw_format("%s: %s", rule->code, title);
	head.indent = head.label_width = 0;
	sw_page_put(&head, &(struct sw_paragraph){.text = headline, .style = SW_STYLE_STRONG});
	put(&page, "where", rule->locus_words ? rule->locus_words : sw_locus_name(rule->locus));
	put(&page, "seen as", rule->sees);
	put(&page, "evidence", rule->evidence);
	put_list(&page, "reported as", rule->cause);
	put_list(&page, "usually", rule->usually);
	for (size_t i = 0; i < SW_RULE_TEXTS && rule->next[i].text; i++)
		put_next(&page, &rule->next[i], i == 0);
	put(&page, "beats", rule->beats);
	put(&page, "beaten by", better);
	if (rule->needs & SW_NEEDS_ABSENCE)
		put(&page, "needs", "a complete capture: it rests on packets that were not there");
	else if (rule->needs & SW_NEEDS_PACKETS)
		put(&page, "needs", "a capture");
}

static void put_line(const struct sw_page *page, const struct sw_rule *rule)
{
	sw_auto_free char *title = sw_verdict_text(rule->title);
	/* Not on a terminal it is for grep. */
	bool whole = sw_report_width(page->out) == 0;
	sw_page_put(page, &(struct sw_paragraph){.label = rule->code, .text = title, .whole = whole});
}

void sw_verdict_list(FILE *out)
{
	struct sw_page page = page_on(out), head = page;
	page.label_width = CODE_COLUMN;
	head.indent = head.label_width = 0;
	for (const struct sw_rule_family *const *family = sw_rule_families; *family; family++) {
		bool again = false; /* several files of rules may stand under one heading */
		for (const struct sw_rule_family *const *before = sw_rule_families; before != family; before++)
			again |= strcmp((*before)->heading, (*family)->heading) == 0;
		if (!again)
			sw_page_put(&head,
				    &(struct sw_paragraph){.text = (*family)->heading, .style = SW_STYLE_STRONG});
		for (size_t i = 0; i < (*family)->count; i++)
			put_line(&page, &(*family)->rules[i]);
	}
}
