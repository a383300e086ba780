/* Writes the document of the verdicts: correlate/VERDICTS.in.md with each line "{{rows HEADING}}" replaced by the table of the
 * rules under that heading. Standard output is correlate/VERDICTS.md (tests/lint/generated compares). */
#include <stdio.h>
#include <string.h>

#include "correlate/rules/rules.h"
#include "src/base/mem.h"

static void row(const struct sw_rule *rule)
{
	printf("| `%s` | %s | %s | %s |\n", rule->code,
	       rule->locus_words ? rule->locus_words : sw_locus_name(rule->locus), rule->sees, rule->evidence);
}

static unsigned table(const char *heading)
{
	unsigned count = 0;

	printf("| code | locus | the application sees | evidence that gives it |\n|---|---|---|---|\n");
	for (const struct sw_rule_family *const *family = sw_rule_families; *family; family++) {
		if (strcmp((*family)->heading, heading) != 0)
			continue;
		for (size_t i = 0; i < (*family)->count; i++, count++)
			row(&(*family)->rules[i]);
	}
	return count;
}

int main(int argc, char **argv)
{
	sw_auto_file FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
	sw_auto_free char *line = NULL;
	size_t room = 0;
	char heading[128];

	if (!file) {
		fprintf(stderr, "usage: verdicts-document correlate/VERDICTS.in.md\n");
		return 2;
	}
	printf("<!-- Made from VERDICTS.in.md and the rows in rules/; make it anew with tests/lint/generated BUILD --update -->\n");
	while (getline(&line, &room, file) > 0) {
		if (sscanf(line, "{{rows %127[^}]}}", heading) != 1) {
			fputs(line, stdout);
		} else if (table(heading) == 0) {
			fprintf(stderr, "no rule stands under \"%s\"\n", heading);
			return 1;
		}
	}
	return 0;
}
