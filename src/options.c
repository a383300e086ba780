/* The command line: argp tables for each command, one parser, one line for each mistake.
 *
 * Enters: argc, argv. Leaves: struct sw_options. Help and its text come from the same tables. */
#include "src/options.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/fail_on.h"
#include "src/version.h"

const char *argp_program_version = "sockwhy " SW_VERSION;

enum key {
	KEY_SLOW = 0x100,
	KEY_LINGER,
	KEY_SETTLE,
	KEY_FILTER,
	KEY_DETACHABLE,
	KEY_PAYLOAD,
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
	KEY_JSON,
	KEY_HELP = '?',
	KEY_VERSION = 'V',
};

/* To add one: a row here, a field in struct sw_options, a case in one_option(). */
static const struct argp_option report_options[] = {
	{"output", 'o', "FILE", 0,
	 "Write FILE as well; its ending says what: .json .txt (or FORMAT:FILE, - for standard output)", 0},
	{"quiet", 'q', NULL, 0, "Only the verdict lines", 0},
	{"verbose", 'v', NULL, 0, "Print the merged timeline too, and the notes in full", 0},
	{"slow", KEY_SLOW, "DURATION", 0, "What takes longer without progress is slow (default 1s)", 0},
	{"settle", KEY_SETTLE, "DURATION", 0, "A failure made good within this time is a note (default 5s)", 0},
	{"anonymize", KEY_ANONYMIZE, NULL, 0, "Replace addresses, host names and paths in all that is written", 0},
	{"fail-on", KEY_FAIL_ON, "WORD,...", 0,
	 "Exit with status 3 on such a finding: note, slow or failure (it or worse), or a verdict (see: sockwhy verdicts)",
	 0},
	{0},
};

/* argp's own would print nothing: with ARGP_NO_ERRS, which gives each mistake one line of ours, its help is silent too. */
static const struct argp_option common_options[] = {
	{"help", KEY_HELP, NULL, 0, "Give this help list", -1},
	{"version", KEY_VERSION, NULL, 0, "Print the version", -1},
	{0},
};

static const struct argp_option live_options[] = {
	{"linger", KEY_LINGER, "DURATION", 0,
	 "Go on at most this long after the end for packets still to come (default 1s)", 1},
	{"interface", 'i', "INTERFACE", 0, "Capture there only (default: all interfaces)", 1},
	{"filter", KEY_FILTER, "EXPRESSION", 0, "Let only such packets into the capture, in tcpdump's syntax", 1},
	{"payload", KEY_PAYLOAD, NULL, 0, "Keep the payload of packets (default: headers, DNS and TLS handshakes)", 1},
	{"without", KEY_WITHOUT, "WHAT", OPTION_HIDDEN,
	 "Do without getfd, diag, netlink, capture, bpf, stacks or confine", 1},
	{0},
};

static const struct argp_option run_options[] = {
	{"detachable", KEY_DETACHABLE, NULL, 0, "Use no seccomp filter: slower, but the command survives the tool", 2},
	{"user", KEY_USER, "NAME", 0, "Run COMMAND as that user (as root only)", 2},
	{0},
};

static const struct argp_option attach_options[] = {
	{"all", KEY_ALL, "NAME", 0, "Attach to every process of that name", 2},
	{"only", KEY_ONLY, NULL, 0, "Leave out the children that it has and will have", 2},
	{"duration", KEY_DURATION, "DURATION", 0, "End after this time (default: at Ctrl-C, or with the process)", 2},
	{"packets", KEY_PACKETS, "NUMBER", 0, "End when so many packets were kept", 2},
	{"max-size", KEY_MAX_SIZE, "SIZE", 0, "End when the incident file has this size (bytes; k, M and G for more)",
	 2},
	{"budget", KEY_BUDGET, "PERCENT", 0,
	 "Let the calls go when following them stops a thread for more of its time (default 25)", 2},
	{"no-calls", KEY_NO_CALLS, NULL, 0,
	 "Stop nothing: packets and what the kernel says of the sockets, without the calls", 2},
	{0},
};

static const struct argp_option import_options[] = {
	{"host", KEY_HOST, "ADDRESS", 0, "This address is ours (for a capture without a log)", 1},
	{"clock-offset", KEY_CLOCK_OFFSET, "SECONDS", 0, "Add this to the log's stamps, instead of the estimate", 1},
	{0},
};

static const struct argp_option diff_options[] = {
	{"slow", KEY_SLOW, "DURATION", 0, "What takes longer without progress is slow (default 1s)", 0},
	{"settle", KEY_SETTLE, "DURATION", 0, "A failure made good within this time is a note (default 5s)", 0},
	{0},
};

static const struct argp_option json_options[] = {
	{"json", KEY_JSON, NULL, 0, "Write JSON", 1},
	{0},
};

static const struct {
	const char *name;
	unsigned switches;
} switch_names[] = {
	{"getfd", SW_SWITCH_NO_GETFD},     {"diag", SW_SWITCH_NO_DIAG}, {"netlink", SW_SWITCH_NO_NETLINK},
	{"capture", SW_SWITCH_NO_CAPTURE}, {"bpf", SW_SWITCH_NO_BPF},   {"stacks", SW_SWITCH_NO_STACKS},
	{"confine", SW_SWITCH_NO_CONFINE},
};

struct parse {
	struct sw_options *options;
	const char *command; /* "run" */
	const struct argp *argp;
	char *name; /* "sockwhy run" */
	bool answered; /* help or version was printed */
	int status; /* SW_EXIT_USAGE once something was said */
};

__attribute__((format(printf, 2, 3))) static error_t wrong(struct parse *parse, const char *format, ...)
{
	if (!parse->status) {
		va_list list;
		va_start(list, format);
		fputs("sockwhy: ", stderr);
		vfprintf(stderr, format, list);
		fprintf(stderr, " (see: sockwhy %s --help)\n", parse->command);
		va_end(list);
	}
	parse->status = SW_EXIT_USAGE;
	return EINVAL;
}

static error_t duration(struct parse *parse, const char *option, const char *text, int64_t *ns)
{
	if (sw_duration_parse(text, ns))
		return 0;
	return wrong(parse, "%s: '%s' is no duration; write for example 200ms, 1.5s or 2m", option, text);
}

static bool known_format(const char *name, size_t length, const char **format)
{
	static const char *const formats[] = {"json", "txt", "pcapng", "pcap", "html", "md"};
	for (size_t i = 0; i < SW_COUNT(formats); i++)
		if (strlen(formats[i]) == length && strncmp(formats[i], name, length) == 0) {
			*format = formats[i];
			return true;
		}
	return false;
}

/* FILE whose ending names the format, or FORMAT:FILE. */
static error_t output(struct parse *parse, const char *text)
{
	struct sw_options *options = parse->options;
	if (options->output_count == SW_OUTPUT_MAX)
		return wrong(parse, "-o %s: at most %d outputs", text, SW_OUTPUT_MAX);
	struct sw_output *out = &options->outputs[options->output_count];
	const char *colon = strchr(text, ':'), *dot = strrchr(text, '.');
	if (colon && known_format(text, (size_t)(colon - text), &out->format))
		out->path = colon + 1;
	else if (dot && known_format(dot + 1, strlen(dot + 1), &out->format))
		out->path = text;
	else
		return wrong(parse, "-o %s: the ending says what to write: .json or .txt, or write FORMAT:FILE", text);
	if (!*out->path)
		return wrong(parse, "-o %s: the name of the file is missing", text);
	options->output_count++;
	return 0;
}

/* A whole number of at least 1; with `sizes` k, M and G may follow. */
static error_t count(struct parse *parse, const char *option, const char *text, bool sizes, uint64_t most,
		     uint64_t *value)
{
	static const char units[] = "kMG";
	char *end;
	errno = 0;
	*value = strtoull(text, &end, 10);
	const char *unit = sizes && *end ? strchr(units, *end) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	bool fits = !errno && *value > 0 && *value <= most >> shift;
	if (end != text && *text >= '0' && *text <= '9' && !end[unit != NULL] && fits) {
		*value <<= shift;
		return 0;
	}
	if (sizes)
		return wrong(parse, "%s: '%s' is no size; write for example 500k, 10M or 1G", option, text);
	return wrong(parse, "%s: '%s' is no number from 1 to %" PRIu64, option, text, most);
}

static error_t budget(struct parse *parse, const char *text)
{
	uint64_t percent;
	error_t error = count(parse, "--budget", text, false, 100, &percent);
	if (!error)
		parse->options->budget = (unsigned)percent;
	return error;
}

static error_t without(struct parse *parse, const char *text)
{
	for (size_t i = 0; i < SW_COUNT(switch_names); i++)
		if (strcmp(switch_names[i].name, text) == 0) {
			parse->options->switches |= switch_names[i].switches;
			return 0;
		}
	return wrong(parse, "--without: '%s' is none of getfd, diag, netlink, capture, bpf, stacks, confine", text);
}

static error_t host(struct parse *parse, const char *text)
{
	struct sw_options *options = parse->options;
	if (options->host_count == SW_COUNT(options->hosts))
		return wrong(parse, "--host: at most %zu addresses", SW_COUNT(options->hosts));
	if (!sw_ip_parse(text, &options->hosts[options->host_count]))
		return wrong(parse, "--host: '%s' is no IP address", text);
	options->host_count++;
	return 0;
}

static error_t clock_offset(struct parse *parse, const char *text)
{
	bool negative = *text == '-';
	const char *end = sw_time_parse(text + (*text == '-' || *text == '+'), &parse->options->clock_offset_ns);
	if (!end || *end)
		return wrong(parse, "--clock-offset: '%s' is no number of seconds", text);
	if (negative)
		parse->options->clock_offset_ns = -parse->options->clock_offset_ns;
	parse->options->clock_offset_given = true;
	return 0;
}

static error_t fail_on(struct parse *parse, const char *text)
{
	struct sw_options *options = parse->options;
	struct sw_err err = {0};
	if (options->fail_on_count == SW_FAIL_ON_MAX)
		return wrong(parse, "--fail-on: at most %d times; one can name several, with commas", SW_FAIL_ON_MAX);
	if (sw_fail_on_check(text, &err) < 0)
		return wrong(parse, "%s", err.text);
	options->fail_on[options->fail_on_count++] = text;
	return 0;
}

static error_t common_option(int key, char *argument, struct argp_state *state)
{
	struct parse *parse = state->input;
	(void)argument;
	if (key != KEY_HELP && key != KEY_VERSION)
		return ARGP_ERR_UNKNOWN;
	if (key == KEY_HELP)
		argp_help(parse->argp, stdout, ARGP_HELP_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, parse->name);
	else
		puts(argp_program_version);
	parse->answered = true;
	return ECANCELED;
}

static error_t attach_option(int key, char *argument, struct argp_state *state)
{
	struct parse *parse = state->input;
	struct sw_options *options = parse->options;
	switch (key) {
	case KEY_ALL: options->all = argument; return 0;
	case KEY_ONLY: options->only = true; return 0;
	case KEY_NO_CALLS: options->no_calls = true; return 0;
	case KEY_BUDGET: return budget(parse, argument);
	case KEY_DURATION: return duration(parse, "--duration", argument, &options->duration_ns);
	case KEY_PACKETS: return count(parse, "--packets", argument, false, UINT64_MAX, &options->packets);
	case KEY_MAX_SIZE: return count(parse, "--max-size", argument, true, UINT64_MAX, &options->max_size);
	default: return ARGP_ERR_UNKNOWN;
	}
}

static error_t one_option(int key, char *argument, struct argp_state *state)
{
	struct parse *parse = state->input;
	struct sw_options *options = parse->options;
	switch (key) {
	case 'o': return output(parse, argument);
	case 'q': options->quiet = true; return 0;
	case 'v': options->verbose = true; return 0;
	case 'i': options->interface = argument; return 0;
	case KEY_SLOW: return duration(parse, "--slow", argument, &options->slow_ns);
	case KEY_SETTLE: return duration(parse, "--settle", argument, &options->settle_ns);
	case KEY_LINGER: return duration(parse, "--linger", argument, &options->linger_ns);
	case KEY_FAIL_ON: return fail_on(parse, argument);
	case KEY_JSON: options->json = true; return 0;
	case KEY_FILTER: options->filter = argument; return 0;
	case KEY_DETACHABLE: options->detachable = true; return 0;
	case KEY_USER: options->user = argument; return 0;
	case KEY_ANONYMIZE: options->anonymize = true; return 0;
	case KEY_PAYLOAD: options->payload = true; return 0;
	case KEY_WITHOUT: return without(parse, argument);
	case KEY_HOST: return host(parse, argument);
	case KEY_CLOCK_OFFSET: return clock_offset(parse, argument);
	case ARGP_KEY_ARGS: /* the rest belongs to the command, whatever it looks like */
		options->argv = state->argv + state->next;
		options->argc = state->argc - state->next;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_ERROR:
		if (!parse->answered)
			wrong(parse, "%s: unknown option, or its value is missing",
			      state->argv[state->next > 0 ? state->next - 1 : 0]);
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp common_argp = {.options = common_options, .parser = common_option};
static const struct argp report_argp = {.options = report_options, .parser = one_option};
static const struct argp live_argp = {.options = live_options, .parser = one_option};
static const struct argp run_argp = {.options = run_options, .parser = one_option};
static const struct argp attach_argp = {.options = attach_options, .parser = attach_option};
static const struct argp import_argp = {.options = import_options, .parser = one_option};
static const struct argp json_argp = {.options = json_options, .parser = one_option};
static const struct argp diff_argp = {.options = diff_options, .parser = one_option};
static const struct argp_child run_children[] = {{&common_argp, 0, NULL, 0},
						 {&report_argp, 0, NULL, 0},
						 {&live_argp, 0, NULL, 0},
						 {&run_argp, 0, NULL, 0},
						 {0}};
static const struct argp_child attach_children[] = {{&common_argp, 0, NULL, 0},
						    {&report_argp, 0, NULL, 0},
						    {&live_argp, 0, NULL, 0},
						    {&attach_argp, 0, NULL, 0},
						    {0}};
static const struct argp_child import_children[] = {{&common_argp, 0, NULL, 0},
						    {&report_argp, 0, NULL, 0},
						    {&import_argp, 0, NULL, 0},
						    {0}};
static const struct argp_child diff_children[] = {{&common_argp, 0, NULL, 0},
						  {&diff_argp, 0, NULL, 0},
						  {&json_argp, 0, NULL, 0},
						  {0}};
static const struct argp_child verdicts_children[] = {{&common_argp, 0, NULL, 0}, {&json_argp, 0, NULL, 0}, {0}};

static error_t rest(int key, char *argument, struct argp_state *state)
{
	if (key == ARGP_KEY_INIT) {
		for (const struct argp_child *child = state->root_argp->children; child->argp; child++)
			state->child_inputs[child - state->root_argp->children] = state->input;
		return 0;
	}
	return key == ARGP_KEY_ARGS || key == ARGP_KEY_ERROR ? one_option(key, argument, state) : ARGP_ERR_UNKNOWN;
}

static const struct command {
	const char *name;
	enum sw_command command;
	const char *missing; /* what to say without arguments; NULL: it needs none */
	struct argp argp;
} commands[] = {
	{"run",
	 SW_COMMAND_RUN,
	 "no command to run: sockwhy run -- COMMAND [ARG...]",
	 {.parser = rest,
	  .children = run_children,
	  .args_doc = "-- COMMAND [ARG...]",
	  .doc = "Run COMMAND and say why its network calls failed, hung or took long.\v"
		 "The report goes to standard error; the exit status is that of COMMAND."}},
	{"attach",
	 SW_COMMAND_ATTACH,
	 "nothing to attach to: sockwhy attach PID, or sockwhy attach --all NAME",
	 {.parser = rest,
	  .children = attach_children,
	  .args_doc = "PID...",
	  .doc = "Follow running processes with their threads and children, and say why their network calls failed, hung or took long.\v"
		 "The processes run on as before when this ends, however it ends: Ctrl-C, --duration, or killed. The report goes to "
		 "standard error."}},
	{"explain",
	 SW_COMMAND_EXPLAIN,
	 "nothing to explain: sockwhy explain FILE...",
	 {.parser = rest,
	  .children = import_children,
	  .args_doc = "FILE...",
	  .doc = "Explain an incident file, or an strace log and a packet capture, in any order.\v"
		 "The report goes to standard output; exit status 1 where something failed."}},
	{"diff",
	 SW_COMMAND_DIFF,
	 "two recordings are needed: sockwhy diff GOOD BAD",
	 {.parser = rest,
	  .children = diff_children,
	  .args_doc = "GOOD BAD",
	  .doc = "Hold two incident files against each other: what went another way in BAD, the broken step first.\v"
		 "Exit status 0 where nothing that matters differs, 1 where something does."}},
	{"verdicts",
	 SW_COMMAND_VERDICTS,
	 NULL,
	 {.parser = rest,
	  .children = verdicts_children,
	  .args_doc = "[CODE...]",
	  .doc = "Say what a verdict means: what the application sees, the evidence, the usual causes, what to do next.\v"
		 "Without CODE all verdicts, one a line."}},
};

static void usage(FILE *to)
{
	fputs("Usage: sockwhy run [OPTION...] -- COMMAND [ARG...]\n"
	      "   or: sockwhy attach [OPTION...] PID...\n"
	      "   or: sockwhy explain [OPTION...] FILE...\n"
	      "   or: sockwhy diff [OPTION...] GOOD BAD\n"
	      "   or: sockwhy verdicts [OPTION...] [CODE...]\n"
	      "Why did this program's network call fail, hang or crawl?\n\n"
	      "  sockwhy COMMAND --help says more; sockwhy --version gives the version.\n",
	      to);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < SW_COUNT(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int no_command(int argc, char **argv)
{
	if (argc < 2) {
		fputs("sockwhy: what should be done? sockwhy run -- COMMAND, sockwhy attach PID, or sockwhy explain FILE...\n",
		      stderr);
		return SW_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 || strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts(argp_program_version);
		return 0;
	}
	fprintf(stderr,
		"sockwhy: '%s' is no command; there are run, attach, explain, diff and verdicts (see: sockwhy --help)\n",
		argv[1]);
	return SW_EXIT_USAGE;
}

int sw_options_parse(int argc, char **argv, struct sw_options *options, int *status)
{
	*options = (struct sw_options){
		.slow_ns = SW_NS_PER_S, .settle_ns = 5 * SW_NS_PER_S, .linger_ns = SW_NS_PER_S, .budget = 25};
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;
	if (!command) {
		*status = no_command(argc, argv);
		return -1;
	}
	char name[32];
	snprintf(name, sizeof name, "sockwhy %s", command->name);
	argv[1] = name; /* argp's help shows it as the program */
	options->command = command->command;
	struct parse parse = {.options = options, .command = command->name, .argp = &command->argp, .name = name};
	unsigned flags = ARGP_NO_ERRS | ARGP_NO_HELP | (command->command == SW_COMMAND_RUN ? ARGP_IN_ORDER : 0);
	error_t error = argp_parse(&command->argp, argc - 1, argv + 1, flags, NULL, &parse);
	if (parse.answered) {
		*status = 0;
		return -1;
	}
	if (!error && !parse.status && command->missing && options->argc == 0 && !options->all)
		error = wrong(&parse, "%s", command->missing);
	if (!error && !parse.status && options->anonymize && options->payload)
		error = wrong(
			&parse,
			"--anonymize and --payload: what payload says cannot be made anonymous; take one of them");
	if (error && !parse.status)
		wrong(&parse, "the arguments cannot be read: %s", strerror(error));
	*status = parse.status;
	return parse.status ? -1 : 0;
}
