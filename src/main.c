/* sockwhy: why did this program's network call fail, hang or crawl? The commands stand in src/cmd_*.c. */
#include "src/options.h"

int main(int argc, char **argv)
{
	struct sw_options options;
	int status;
	if (sw_options_parse(argc, argv, &options, &status) < 0)
		return status;
	switch (options.command) {
	case SW_COMMAND_RUN: return sw_cmd_run(&options);
	case SW_COMMAND_ATTACH: return sw_cmd_attach(&options);
	case SW_COMMAND_EXPLAIN: return sw_cmd_explain(&options);
	case SW_COMMAND_DIFF: return sw_cmd_diff(&options);
	case SW_COMMAND_VERDICTS: return sw_cmd_verdicts(&options);
	}
	return SW_EXIT_USAGE;
}
