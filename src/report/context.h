/* What a renderer needs besides struct sw_report: who ran what, where, with which options, from which inputs.
 *
 * Plain data, filled by the session or by explain, owned by them. Text is as it came: renderers clean and escape it. */
#ifndef SW_REPORT_CONTEXT_H
#define SW_REPORT_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "correlate/report.h"

struct sw_report_host {
	const char *name, *kernel; /* uname(2)'s nodename and release; NULL unknown */
	const char *netns; /* "net:[4026531840]"; NULL unknown */
	const char *container; /* id or name; NULL: none, or unknown */
};

enum sw_report_mode { SW_MODE_RUN, SW_MODE_ATTACH, SW_MODE_EXPLAIN };

struct sw_report_target {
	enum sw_report_mode mode; /* how the records were made: explain of an incident says run or attach */
	size_t command_count;
	const char *const *command; /* arguments */
	uint32_t pid; /* 0 unknown. The exit is in struct sw_report */
	int64_t started_ns, ended_ns; /* SW_TIME_NONE unknown, or it still runs */
};

struct sw_report_input {
	const char *file;
	const char *kind; /* "incident", "strace", "pcap", "pcapng"; a live session has none */
	int64_t records;
	int64_t unread; /* bytes or lines that could not be read */
};

struct sw_report_clock {
	const char *base; /* "realtime", "time-of-day", "relative"; NULL: realtime */
	int64_t offset_ns; /* added to the calls' stamps */
	int64_t error_ns; /* its uncertainty */
	const char *aligned; /* "same-clock", "estimated", "failed"; NULL: same-clock */
	int64_t pairs; /* that gave the offset */
};

struct sw_timeline_line { /* one record of the merged timeline (-v), in the order of cause */
	enum sw_evidence_kind kind;
	uint16_t input;
	uint32_t number; /* id of the call, packet or fact */
	int64_t time_ns;
	uint32_t pid, tid; /* of a call; 0 none */
	const char *comm; /* NULL unknown */
	const char *text; /* as in struct sw_evidence */
};

struct sw_report_context {
	const struct sw_report *report;
	const char *version; /* of this tool */
	int64_t slow_ns, settle_ns, linger_ns; /* options */
	struct sw_report_host host;
	struct sw_report_target target;
	size_t input_count;
	const struct sw_report_input *inputs;
	struct sw_report_clock clock;
	size_t timeline_count; /* shown with `verbose` */
	const struct sw_timeline_line *timeline;
	int64_t timeline_left_out; /* records that were not kept for it */
	bool colour, quiet, verbose;
	unsigned width; /* columns of the text report; 0: 80 */
};

#endif
