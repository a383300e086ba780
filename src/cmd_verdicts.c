/* `sockwhy verdicts`: what a verdict means, from the rows of the rules; without a network, a recording or a right.
 *
 * Enters: codes. Leaves: text or JSON on standard output; exit status 0, or SW_EXIT_USAGE for a code that there is not. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/base/mem.h"
#include "src/options.h"
#include "src/verdict_page.h"

struct rules {
	const struct sw_rule **items;
	size_t count;
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* A code that shares a word with what was written: refused-by-tcp is near refused-by-rst. */
static const char *near_code(const char *wrong)
{
	const struct sw_rule *rule;
	for (size_t length = strlen(wrong); length >= 3; length--) {
		sw_auto_free char *part = sw_strndup(wrong, length);
		for (size_t i = 0; (rule = sw_rule_get(i)); i++)
			if (begins(rule->code, part))
				return rule->code;
		for (size_t i = 0; (rule = sw_rule_get(i)); i++)
			if (strstr(rule->code, part))
				return rule->code;
	}
	return NULL;
}

static int unknown(const char *code)
{
	const char *meant = near_code(code);
	if (meant)
		fprintf(stderr, "sockwhy: '%s' is no verdict; '%s' is one (see: sockwhy verdicts)\n", code, meant);
	else
		fprintf(stderr, "sockwhy: '%s' is no verdict (see: sockwhy verdicts)\n", code);
	return SW_EXIT_USAGE;
}

static int choose(const struct sw_options *options, struct rules *rules)
{
	for (int i = 0; i < options->argc; i++) {
		rules->items[rules->count] = sw_rule_find(options->argv[i]);
		if (!rules->items[rules->count++])
			return unknown(options->argv[i]);
	}
	for (size_t i = 0; rules->count < sw_rule_count() && options->argc == 0; i++)
		rules->items[rules->count++] = sw_rule_get(i);
	return 0;
}

static void print(const struct sw_options *options, const struct rules *rules)
{
	if (options->json) {
		sw_verdict_json(rules->items, rules->count, stdout);
		return;
	}
	if (options->argc == 0)
		sw_verdict_list(stdout);
	for (size_t i = 0; i < (size_t)options->argc; i++) {
		if (i > 0)
			putchar('\n');
		sw_verdict_page(rules->items[i], stdout);
	}
}

int sw_cmd_verdicts(const struct sw_options *options)
{
	struct rules rules = {.items = sw_alloc((sw_rule_count() + (size_t)options->argc) * sizeof *rules.items)};
	int status = choose(options, &rules);
	if (!status) {
		print(options, &rules);
		if (fflush(stdout) != 0 || ferror(stdout)) {
			fprintf(stderr, "sockwhy: standard output cannot be written: %s\n", strerror(errno));
			status = SW_EXIT_TOOL;
		}
	}
	free(rules.items);
	return status;
}
