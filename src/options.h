/* The command line, parsed: one struct for all commands, made by sw_options_parse() from argp tables. */
#ifndef SW_OPTIONS_H
#define SW_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/addr.h"
#include "src/base/err.h"
#include "src/base/mem.h"

enum sw_command { SW_COMMAND_RUN, SW_COMMAND_ATTACH, SW_COMMAND_EXPLAIN, SW_COMMAND_DIFF, SW_COMMAND_VERDICTS };

struct sw_output {
	const char *path; /* "-": standard output */
	const char *format; /* "json", "txt", "pcapng", "pcap", "html", "md" */
};

#define SW_OUTPUT_MAX 16
#define SW_FAIL_ON_MAX 16
#define SW_ALSO_ON_MAX 4

struct sw_options {
	enum sw_command command;
	struct sw_output outputs[SW_OUTPUT_MAX]; /* -o */
	size_t output_count;
	bool quiet, verbose; /* -q, -v */
	bool anonymize; /* --anonymize */
	const char *fail_on[SW_FAIL_ON_MAX]; /* --fail-on: src/fail_on.h */
	size_t fail_on_count;
	bool json; /* diff, verdicts: --json */
	int64_t slow_ns, settle_ns, linger_ns; /* --slow, --settle, --linger */
	const char *interface; /* -i, NULL: any */
	const char *filter; /* --filter, tcpdump's syntax, NULL: none */
	bool detachable; /* run: --detachable */
	const char *user; /* run: --user, NULL: as we are */
	/* attach */
	const char *all; /* --all NAME, NULL */
	bool only, no_calls; /* --only, --no-calls */
	unsigned budget; /* --budget, percent */
	int64_t duration_ns; /* --duration, 0: no end */
	uint64_t packets, max_size; /* --packets, --max-size (bytes), 0: no bound */
	/* live */
	bool live; /* --live */
	bool until_failure; /* --until-failure */
	const char *each_failure; /* --each-failure DIR, NULL */
	const char *on[SW_FAIL_ON_MAX]; /* --on: src/fail_on.h */
	size_t on_count;
	int64_t keep_ns; /* --keep */
	unsigned max_incidents; /* --max-incidents */
	const char *also_on[SW_ALSO_ON_MAX]; /* --also-on: src/places.h; of explain: files */
	size_t also_on_count;
	bool payload; /* --payload: keep payload bytes */
	bool probe; /* --probe */
	unsigned switches; /* SW_SWITCH_*: --without, for tests and for kernels that lie */
	/* run: the command, NULL terminated; attach: process numbers; explain and diff: the files; verdicts: codes */
	char *const *argv;
	int argc;
	/* explain */
	struct sw_ip hosts[16]; /* --host */
	size_t host_count;
	bool clock_offset_given; /* --clock-offset: added to the log's stamps */
	int64_t clock_offset_ns;
};

#define SW_SWITCH_NO_GETFD 0x01u
#define SW_SWITCH_NO_DIAG 0x02u
#define SW_SWITCH_NO_NETLINK 0x04u
#define SW_SWITCH_NO_CAPTURE 0x08u
#define SW_SWITCH_NO_BPF 0x10u
#define SW_SWITCH_NO_STACKS 0x20u
#define SW_SWITCH_NO_CONFINE 0x40u

/* A flight recorder keeps what was last, not everything. */
static inline bool sw_options_flight(const struct sw_options *options)
{
	return options->until_failure || options->each_failure;
}

/* Returns 0, or -1 when the program should end with *status (help and version were printed; wrong usage was said in one line). */
int sw_options_parse(int argc, char **argv, struct sw_options *options, int *status);

/* The commands: each returns the program's exit status. Exit statuses: SW_EXIT_* below; 0 and 1 are the report's (sockwhy(1)). */
int sw_cmd_run(const struct sw_options *options);
int sw_cmd_attach(const struct sw_options *options);
int sw_cmd_explain(const struct sw_options *options);
int sw_cmd_diff(const struct sw_options *options);
int sw_cmd_verdicts(const struct sw_options *options);

#define SW_EXIT_USAGE 2
#define SW_EXIT_MATCHED 3 /* something that --fail-on names was found */
#define SW_EXIT_TOOL 125 /* the tool itself failed */
#define SW_EXIT_NOT_EXECUTABLE 126
#define SW_EXIT_NOT_FOUND 127

#endif
