/* The command line: the commands, one parser, one line for each mistake.
 *
 * Enters: argc, argv. Leaves: struct sw_options. Help and its text come from the tables (option_tables.c). */
#include "src/options.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "src/base/clock.h"
#include "src/options_internal.h"
#include "src/version.h"

const char *argp_program_version = "sockwhy " SW_VERSION;

static error_t rest(int key, char *argument, struct argp_state *state)
{
	if (key == ARGP_KEY_INIT) {
		for (const struct argp_child *child = state->root_argp->children; child->argp; child++)
			state->child_inputs[child - state->root_argp->children] = state->input;
		return 0;
	}
	return key == ARGP_KEY_ARGS || key == ARGP_KEY_ERROR ? sw_option_parse(key, argument, state) : ARGP_ERR_UNKNOWN;
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
	  .children = sw_run_options,
	  .args_doc = "-- COMMAND [ARG...]",
	  .doc = "Run COMMAND and say why its network calls failed, hung or took long.\v"
		 "The report goes to standard error; the exit status is that of COMMAND."}},
	{"attach",
	 SW_COMMAND_ATTACH,
	 "nothing to attach to: sockwhy attach PID, or sockwhy attach --all NAME",
	 {.parser = rest,
	  .children = sw_attach_options,
	  .args_doc = "PID...",
	  .doc = "Follow running processes with their threads and children, and say why their network calls failed, hung or took long.\v"
		 "The processes run on as before when this ends, however it ends: Ctrl-C, --duration, or killed. The report goes to "
		 "standard error."}},
	{"explain",
	 SW_COMMAND_EXPLAIN,
	 "nothing to explain: sockwhy explain FILE...",
	 {.parser = rest,
	  .children = sw_import_options,
	  .args_doc = "FILE...",
	  .doc = "Explain an incident file, or an strace log and a packet capture, in any order.\v"
		 "The report goes to standard output. Exit status 1 where something failed, else 0: also where not enough was seen "
		 "to say so (BLIND; --fail-on tells slow from clean). Of a capture alone, what its packets show is told "
		 "of whoever asked; --host says whose side that is."}},
	{"diff",
	 SW_COMMAND_DIFF,
	 "two recordings are needed: sockwhy diff GOOD BAD",
	 {.parser = rest,
	  .children = sw_diff_options,
	  .args_doc = "GOOD BAD",
	  .doc = "Hold two incident files against each other: what went another way in BAD, the broken step first.\v"
		 "Exit status 0 where nothing that matters differs, 1 where something does."}},
	{"verdicts",
	 SW_COMMAND_VERDICTS,
	 NULL,
	 {.parser = rest,
	  .children = sw_verdicts_options,
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
	*options = (struct sw_options){.slow_ns = SW_NS_PER_S,
				       .settle_ns = 5 * SW_NS_PER_S,
				       .linger_ns = SW_NS_PER_S,
				       .keep_ns = -1,
				       .budget = 25};
	const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;
	if (!command) {
		*status = no_command(argc, argv);
		return -1;
	}
	char name[32];
	snprintf(name, sizeof name, "sockwhy %s", command->name);
	argv[1] = name; /* argp's help shows it as the program */
	options->command = command->command;
	struct sw_parse parse = {.options = options, .command = command->name, .argp = &command->argp, .name = name};
	unsigned flags = ARGP_NO_ERRS | ARGP_NO_HELP | (command->command == SW_COMMAND_RUN ? ARGP_IN_ORDER : 0);
	error_t error = argp_parse(&command->argp, argc - 1, argv + 1, flags, NULL, &parse);
	if (parse.answered) {
		*status = 0;
		return -1;
	}
	if (!error && !parse.status && command->missing && options->argc == 0 && !options->all)
		error = sw_option_wrong(&parse, "%s", command->missing);
	if (!error && !parse.status)
		error = sw_option_check(&parse);
	if (error && !parse.status)
		sw_option_wrong(&parse, "the arguments cannot be read: %s", strerror(error));
	*status = parse.status;
	return parse.status ? -1 : 0;
}
