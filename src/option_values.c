/* The value of each option, read into struct sw_options, and one line for each mistake.
 *
 * Enters: argp's keys and texts. Leaves: struct sw_options. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/fail_on.h"
#include "src/options_internal.h"

static const struct {
	const char *name;
	unsigned switches;
} switch_names[] = {
	{"getfd", SW_SWITCH_NO_GETFD},     {"diag", SW_SWITCH_NO_DIAG}, {"netlink", SW_SWITCH_NO_NETLINK},
	{"capture", SW_SWITCH_NO_CAPTURE}, {"bpf", SW_SWITCH_NO_BPF},   {"stacks", SW_SWITCH_NO_STACKS},
	{"confine", SW_SWITCH_NO_CONFINE},
};

error_t sw_option_wrong(struct sw_parse *parse, const char *format, ...)
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

static error_t duration(struct sw_parse *parse, const char *option, const char *text, int64_t *ns)
{
	if (sw_duration_parse(text, ns))
		return 0;
	return sw_option_wrong(parse, "%s: '%s' is no duration; write for example 200ms, 1.5s or 2m", option, text);
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
static error_t output(struct sw_parse *parse, const char *text)
{
	struct sw_options *options = parse->options;
	if (options->output_count == SW_OUTPUT_MAX)
		return sw_option_wrong(parse, "-o %s: at most %d outputs", text, SW_OUTPUT_MAX);
	struct sw_output *out = &options->outputs[options->output_count];
	const char *colon = strchr(text, ':'), *dot = strrchr(text, '.');
	if (colon && known_format(text, (size_t)(colon - text), &out->format))
		out->path = colon + 1;
	else if (dot && known_format(dot + 1, strlen(dot + 1), &out->format))
		out->path = text;
	else
		return sw_option_wrong(
			parse,
			"-o %s: the ending says what to write: .txt .json .html .md .pcapng .pcap, or write FORMAT:FILE",
			text);
	if (!*out->path)
		return sw_option_wrong(parse, "-o %s: the name of the file is missing", text);
	options->output_count++;
	return 0;
}

/* A whole number of at least 1; with `sizes` k, M and G may follow. */
static error_t count(struct sw_parse *parse, const char *option, const char *text, bool sizes, uint64_t most,
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
		return sw_option_wrong(parse, "%s: '%s' is no size; write for example 500k, 10M or 1G", option, text);
	return sw_option_wrong(parse, "%s: '%s' is no number from 1 to %" PRIu64, option, text, most);
}

static error_t budget(struct sw_parse *parse, const char *text)
{
	uint64_t percent;
	error_t error = count(parse, "--budget", text, false, 100, &percent);
	if (!error)
		parse->options->budget = (unsigned)percent;
	return error;
}

static error_t without(struct sw_parse *parse, const char *text)
{
	for (size_t i = 0; i < SW_COUNT(switch_names); i++)
		if (strcmp(switch_names[i].name, text) == 0) {
			parse->options->switches |= switch_names[i].switches;
			return 0;
		}
	return sw_option_wrong(parse, "--without: '%s' is none of getfd, diag, netlink, capture, bpf, stacks, confine",
			       text);
}

static error_t host(struct sw_parse *parse, const char *text)
{
	struct sw_options *options = parse->options;
	if (options->host_count == SW_COUNT(options->hosts))
		return sw_option_wrong(parse, "--host: at most %zu addresses", SW_COUNT(options->hosts));
	if (!sw_ip_parse(text, &options->hosts[options->host_count]))
		return sw_option_wrong(parse, "--host: '%s' is no IP address", text);
	options->host_count++;
	return 0;
}

static error_t clock_offset(struct sw_parse *parse, const char *text)
{
	bool negative = *text == '-';
	const char *end = sw_time_parse(text + (*text == '-' || *text == '+'), &parse->options->clock_offset_ns);
	if (!end || *end)
		return sw_option_wrong(parse, "--clock-offset: '%s' is no number of seconds", text);
	if (negative)
		parse->options->clock_offset_ns = -parse->options->clock_offset_ns;
	parse->options->clock_offset_given = true;
	return 0;
}

static error_t words(struct sw_parse *parse, const char *option, const char *text, const char **list, size_t *count)
{
	struct sw_err err = {0};
	if (*count == SW_FAIL_ON_MAX)
		return sw_option_wrong(parse, "%s: at most %d times; one can name several, with commas", option,
				       SW_FAIL_ON_MAX);
	if (sw_fail_on_check(option, text, &err) < 0)
		return sw_option_wrong(parse, "%s", err.text);
	list[(*count)++] = text;
	return 0;
}

static error_t also_on(struct sw_parse *parse, const char *text)
{
	struct sw_options *options = parse->options;
	if (options->also_on_count == SW_ALSO_ON_MAX)
		return sw_option_wrong(parse, "--also-on: at most %d times", SW_ALSO_ON_MAX);
	options->also_on[options->also_on_count++] = text;
	return 0;
}

error_t sw_option_parse_common(int key, char *argument, struct argp_state *state)
{
	struct sw_parse *parse = state->input;
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

error_t sw_option_parse_attach(int key, char *argument, struct argp_state *state)
{
	struct sw_parse *parse = state->input;
	struct sw_options *options = parse->options;
	switch (key) {
	case KEY_ALL: options->all = argument; return 0;
	case KEY_ONLY: options->only = true; return 0;
	case KEY_NO_CALLS: options->no_calls = true; return 0;
	case KEY_BUDGET: return budget(parse, argument);
	case KEY_DURATION: return duration(parse, "--duration", argument, &options->duration_ns);
	case KEY_PACKETS: return count(parse, "--packets", argument, false, UINT64_MAX, &options->packets);
	default: return ARGP_ERR_UNKNOWN;
	}
}

static error_t max_incidents(struct sw_parse *parse, const char *text)
{
	uint64_t number;
	error_t error = count(parse, "--max-incidents", text, false, 1000000, &number);
	if (!error)
		parse->options->max_incidents = (unsigned)number;
	return error;
}

static error_t each_failure(struct sw_parse *parse, char *text)
{
	if (!*text)
		return sw_option_wrong(parse, "--each-failure: the name of the folder is missing");
	parse->options->each_failure = text;
	return 0;
}

error_t sw_option_parse_flight(int key, char *argument, struct argp_state *state)
{
	struct sw_parse *parse = state->input;
	struct sw_options *options = parse->options;
	switch (key) {
	case KEY_UNTIL_FAILURE: options->until_failure = true; return 0;
	case KEY_EACH_FAILURE: return each_failure(parse, argument);
	case KEY_ON: return words(parse, "--on", argument, options->on, &options->on_count);
	case KEY_KEEP: return duration(parse, "--keep", argument, &options->keep_ns);
	case KEY_MAX_INCIDENTS: return max_incidents(parse, argument);
	case KEY_MAX_SIZE: return count(parse, "--max-size", argument, true, UINT64_MAX, &options->max_size);
	default: return ARGP_ERR_UNKNOWN;
	}
}

#define MAX_SIZE_LEAST (UINT64_C(1) << 20)

static error_t check_flight(struct sw_parse *parse)
{
	const struct sw_options *options = parse->options;
	if (options->until_failure && options->each_failure)
		return sw_option_wrong(
			parse, "--until-failure ends with the first failure, --each-failure goes on: take one of them");
	if (sw_options_flight(options) && options->max_size && options->max_size < MAX_SIZE_LEAST)
		return sw_option_wrong(parse, "--max-size: a flight recorder needs at least 1M");
	if (options->max_incidents && !options->each_failure)
		return sw_option_wrong(parse, "--max-incidents: is of --each-failure DIR, which is missing");
	if (sw_options_flight(options))
		return 0;
	if (options->on_count || options->keep_ns >= 0)
		return sw_option_wrong(parse, "%s: is of --until-failure or --each-failure DIR; give one of them",
				       options->on_count ? "--on" : "--keep");
	if (options->max_size && options->command == SW_COMMAND_RUN)
		return sw_option_wrong(
			parse, "--max-size: a command is not ended by it; give --until-failure or --each-failure DIR");
	return 0;
}

#define KEEP_NS (30 * SW_NS_PER_S)
#define FLIGHT_SIZE (UINT64_C(256) << 20)
#define INCIDENTS 100u

error_t sw_option_check(struct sw_parse *parse)
{
	struct sw_options *options = parse->options;
	if (options->anonymize && options->payload)
		return sw_option_wrong(
			parse,
			"--anonymize and --payload: what payload says cannot be made anonymous; take one of them");
	if (options->anonymize && options->probe)
		return sw_option_wrong(
			parse,
			"--anonymize and --probe: who reads anonymous addresses cannot try them; record with --probe, then "
			"explain the incident with --anonymize");
	error_t error = check_flight(parse);
	if (options->keep_ns < 0)
		options->keep_ns = KEEP_NS;
	if (!options->max_incidents)
		options->max_incidents = INCIDENTS;
	if (sw_options_flight(options) && !options->max_size)
		options->max_size = FLIGHT_SIZE;
	return error;
}

error_t sw_option_parse(int key, char *argument, struct argp_state *state)
{
	struct sw_parse *parse = state->input;
	struct sw_options *options = parse->options;
	switch (key) {
	case 'o': return output(parse, argument);
	case 'q': options->quiet = true; return 0;
	case 'v': options->verbose = true; return 0;
	case 'i': options->interface = argument; return 0;
	case KEY_SLOW: return duration(parse, "--slow", argument, &options->slow_ns);
	case KEY_SETTLE: return duration(parse, "--settle", argument, &options->settle_ns);
	case KEY_LINGER: return duration(parse, "--linger", argument, &options->linger_ns);
	case KEY_FAIL_ON: return words(parse, "--fail-on", argument, options->fail_on, &options->fail_on_count);
	case KEY_LIVE: options->live = true; return 0;
	case KEY_JSON: options->json = true; return 0;
	case KEY_FILTER: options->filter = argument; return 0;
	case KEY_ALSO_ON: return also_on(parse, argument);
	case KEY_DETACHABLE: options->detachable = true; return 0;
	case KEY_USER: options->user = argument; return 0;
	case KEY_ANONYMIZE: options->anonymize = true; return 0;
	case KEY_PAYLOAD: options->payload = true; return 0;
	case KEY_PROBE: options->probe = true; return 0;
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
			sw_option_wrong(parse, "%s: unknown option, or its value is missing",
					state->argv[state->next > 0 ? state->next - 1 : 0]);
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}
