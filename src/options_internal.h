/* What the parts of the command line share: the keys of the options, their tables (option_tables.c), what reads the
 * value of one (option_values.c). */
#ifndef SW_OPTIONS_INTERNAL_H
#define SW_OPTIONS_INTERNAL_H

#include <argp.h>

#include "src/options.h"

enum sw_option_key {
	KEY_SLOW = 0x100,
	KEY_LINGER,
	KEY_SETTLE,
	KEY_FILTER,
	KEY_ALSO_ON,
	KEY_DETACHABLE,
	KEY_PAYLOAD,
	KEY_PROBE,
	KEY_ANONYMIZE,
	KEY_WITHOUT,
	KEY_HOST,
	KEY_CLOCK_OFFSET,
	KEY_USER,
	KEY_ALL,
	KEY_ONLY,
	KEY_BUDGET,
	KEY_NO_CALLS,
	KEY_DURATION,
	KEY_PACKETS,
	KEY_MAX_SIZE,
	KEY_FAIL_ON,
	KEY_LIVE,
	KEY_UNTIL_FAILURE,
	KEY_EACH_FAILURE,
	KEY_ON,
	KEY_KEEP,
	KEY_MAX_INCIDENTS,
	KEY_JSON,
	KEY_HELP = '?',
	KEY_VERSION = 'V',
};

struct sw_parse {
	struct sw_options *options;
	const char *command; /* "run" */
	const struct argp *argp;
	char *name; /* "sockwhy run" */
	bool answered; /* help or version was printed */
	int status; /* SW_EXIT_USAGE once something was said */
};

/* One line on standard error for the first mistake; returns EINVAL, for argp. */
__attribute__((format(printf, 2, 3))) error_t sw_option_wrong(struct sw_parse *parse, const char *format, ...);

/* What options mean together; says the first mistake. */
error_t sw_option_check(struct sw_parse *parse);

/* argp parsers over struct sw_parse: --help and --version; what only attach has; the flight recorder's; everything else. */
error_t sw_option_parse_common(int key, char *argument, struct argp_state *state);
error_t sw_option_parse_attach(int key, char *argument, struct argp_state *state);
error_t sw_option_parse_flight(int key, char *argument, struct argp_state *state);
error_t sw_option_parse(int key, char *argument, struct argp_state *state);

/* The tables of each command. */
extern const struct argp_child sw_run_options[], sw_attach_options[], sw_import_options[], sw_diff_options[],
	sw_verdicts_options[];

#endif
