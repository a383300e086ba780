/* The options, in tables: what help, the man page and the completions are made from.
 *
 * Leaves: for each command the list of its tables. To add an option: a key in options_internal.h, a row here, a field in
 * struct sw_options, a case in option_values.c. Must not know what a value means. */
#include "src/options_internal.h"

static const struct argp_option report_options[] = {
	{"output", 'o', "FILE", 0,
	 "Write FILE as well; its ending says what: .txt .json .html .md .pcapng .pcap (or FORMAT:FILE, - for standard output)",
	 0},
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
	{"live", KEY_LIVE, NULL, 0, "Print calls and packets as they come, and each finding when it is final", 1},
	{"interface", 'i', "INTERFACE", 0, "Capture there only (default: all interfaces)", 1},
	{"filter", KEY_FILTER, "EXPRESSION", 0, "Let only such packets into the capture, in tcpdump's syntax", 1},
	{"also-on", KEY_ALSO_ON, "[NAMESPACE:]INTERFACE", 0,
	 "Capture at a second place too, and say between which two a packet was lost; auto: a container's way out of this host",
	 1},
	{"payload", KEY_PAYLOAD, NULL, 0, "Keep the payload of packets (default: headers, DNS and TLS handshakes)", 1},
	{"probe", KEY_PROBE, NULL, 0,
	 "After a failure try what a person would: SYNs with rising TTL, sizes, other resolvers and addresses", 1},
	{"without", KEY_WITHOUT, "WHAT", OPTION_HIDDEN,
	 "Do without getfd, diag, netlink, capture, bpf, stacks or confine", 1},
	{0},
};

static const struct argp_option run_options[] = {
	{"detachable", KEY_DETACHABLE, NULL, 0, "Use no seccomp filter: slower, but the command survives the tool", 2},
	{"user", KEY_USER, "USER", 0, "Run COMMAND as that user (as root only)", 2},
	{0},
};

static const struct argp_option attach_options[] = {
	{"all", KEY_ALL, "NAME", 0, "Attach to every process of that name", 2},
	{"only", KEY_ONLY, NULL, 0, "Leave out the children that it has and will have", 2},
	{"duration", KEY_DURATION, "DURATION", 0, "End after this time (default: at Ctrl-C, or with the process)", 2},
	{"packets", KEY_PACKETS, "NUMBER", 0, "End when so many packets were kept", 2},
	{"budget", KEY_BUDGET, "PERCENT", 0,
	 "Let the calls go when following them stops a thread for more of its time (default 25)", 2},
	{"no-calls", KEY_NO_CALLS, NULL, 0,
	 "Stop nothing: packets and what the kernel says of the sockets, without the calls", 2},
	{0},
};

static const struct argp_option flight_options[] = {
	{"until-failure", KEY_UNTIL_FAILURE, NULL, 0,
	 "End after the first failure; the incident (-o FILE.pcapng) has what came just before it", 3},
	{"each-failure", KEY_EACH_FAILURE, "DIR", 0,
	 "Go on, and write an incident into DIR for each new cause of failure", 3},
	{"on", KEY_ON, "WORD,...", 0,
	 "Wait for these instead of failures: slow or failure (it or worse), or verdicts (see: sockwhy verdicts)", 3},
	{"keep", KEY_KEEP, "DURATION", 0, "How much before a failure goes into its incident (default 30s)", 3},
	{"max-incidents", KEY_MAX_INCIDENTS, "NUMBER", 0, "Write no more incidents than this into DIR (default 100)",
	 3},
	{"max-size", KEY_MAX_SIZE, "SIZE", 0,
	 "End when the incident file has this size; with --until-failure and --each-failure: keep no more than this "
	 "(default 256M; bytes; k, M and G for more)",
	 3},
	{0},
};

static const struct argp_option import_options[] = {
	{"also-on", KEY_ALSO_ON, "FILE", 0, "This capture was taken at a second place, farther from the program", 1},
	{"host", KEY_HOST, "ADDRESS", 0,
	 "This address is ours (for a capture without a log; else whoever sent the first SYN or datagram)", 1},
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

static const struct argp common_argp = {.options = common_options, .parser = sw_option_parse_common};
static const struct argp report_argp = {.options = report_options, .parser = sw_option_parse};
static const struct argp live_argp = {.options = live_options, .parser = sw_option_parse};
static const struct argp run_argp = {.options = run_options, .parser = sw_option_parse};
static const struct argp attach_argp = {.options = attach_options, .parser = sw_option_parse_attach};
static const struct argp flight_argp = {.options = flight_options, .parser = sw_option_parse_flight};
static const struct argp import_argp = {.options = import_options, .parser = sw_option_parse};
static const struct argp json_argp = {.options = json_options, .parser = sw_option_parse};
static const struct argp diff_argp = {.options = diff_options, .parser = sw_option_parse};
const struct argp_child sw_run_options[] = {{&common_argp, 0, NULL, 0}, {&report_argp, 0, NULL, 0},
					    {&live_argp, 0, NULL, 0},   {&run_argp, 0, NULL, 0},
					    {&flight_argp, 0, NULL, 0}, {0}};
const struct argp_child sw_attach_options[] = {{&common_argp, 0, NULL, 0}, {&report_argp, 0, NULL, 0},
					       {&live_argp, 0, NULL, 0},   {&attach_argp, 0, NULL, 0},
					       {&flight_argp, 0, NULL, 0}, {0}};
const struct argp_child sw_import_options[] = {{&common_argp, 0, NULL, 0},
					       {&report_argp, 0, NULL, 0},
					       {&import_argp, 0, NULL, 0},
					       {0}};
const struct argp_child sw_diff_options[] = {{&common_argp, 0, NULL, 0},
					     {&diff_argp, 0, NULL, 0},
					     {&json_argp, 0, NULL, 0},
					     {0}};
const struct argp_child sw_verdicts_options[] = {{&common_argp, 0, NULL, 0}, {&json_argp, 0, NULL, 0}, {0}};
