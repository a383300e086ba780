/* The table of renderers, and what they share: the status of a report, and how a stream wants its text. */
#include "src/report/report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/report/renderers.h"

/* To add one: a file with its render function, its declaration in renderers.h, and a row here. */
static const struct sw_renderer renderers[] = {
	{"txt", sw_render_text},
	{"json", sw_render_json},
	{"html", sw_render_html},
	{"md", sw_render_markdown},
};

const struct sw_renderer *sw_renderer_find(const char *ending)
{
	for (size_t i = 0; i < SW_COUNT(renderers); i++)
		if (strcmp(renderers[i].ending, ending) == 0)
			return &renderers[i];
	return NULL;
}

enum sw_status sw_report_status(const struct sw_report *report)
{
	enum sw_status status = report->seen_enough ? SW_STATUS_CLEAN : SW_STATUS_BLIND;

	for (size_t i = 0; i < report->finding_count; i++) {
		enum sw_severity severity = report->findings[i].severity;

		if (severity == SW_SEVERITY_FAILURE)
			return SW_STATUS_FAILED;
		if (severity == SW_SEVERITY_SLOW)
			status = SW_STATUS_SLOW;
	}
	return status;
}

const char *sw_status_name(enum sw_status status)
{
	static const char *const names[] = {
		[SW_STATUS_CLEAN] = "clean",
		[SW_STATUS_BLIND] = "blind",
		[SW_STATUS_SLOW] = "slow",
		[SW_STATUS_FAILED] = "failed",
	};

	return names[status];
}

bool sw_report_colour(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(fileno(out)) == 1 && !(no_color && *no_color) && !(terminal && strcmp(terminal, "dumb") == 0);
}

unsigned sw_report_width(FILE *out)
{
	struct winsize size;

	return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
