/* One line of strace's text, taken apart: who, when, what kind of line, its parts. Internal to this folder. */
#ifndef SW_TRACER_STRACE_LINE_H
#define SW_TRACER_STRACE_LINE_H

#include "tracer/strace/strace.h"
#include "tracer/strace/strace_scan.h"

#define ARGUMENTS_MAX 8

enum line_kind {
	LINE_UNREAD,
	LINE_EMPTY, /* blank, or a note of strace's own */
	LINE_CALL, /* name(arguments) = result */
	LINE_UNFINISHED, /* name(arguments <unfinished ...> */
	LINE_RESUMED, /* <... name resumed>arguments) = result */
	LINE_OPEN, /* name(arguments: the rest was cut, or stands in a later line */
	LINE_REST, /* ) = result, of an open line */
	LINE_SIGNAL, /* --- SIGNAME {...} --- */
	LINE_EXITED, /* +++ exited with N +++ */
	LINE_KILLED, /* +++ killed by SIGNAME +++ */
	LINE_SUPERSEDED, /* +++ superseded by execve in pid N +++ */
	LINE_STACK, /* > object(function+0x1) [0x2] */
	LINE_ATTACHED, /* Process N attached */
};

struct line {
	enum line_kind kind;
	uint32_t pid; /* 0: the line does not say */
	enum sw_strace_clock clock; /* NONE: no stamp */
	int64_t stamp_ns, resolution_ns;
	struct span parts[ARGUMENTS_MAX]; /* the arguments of a CALL, one by one; of more than these none counts */
	int part_count;
	struct span name, arguments, result; /* result: behind '=' without the duration */
	int64_t duration_ns; /* -T; -1 none */
	int64_t number; /* exit status, attached pid */
};

/* `bytes` without the newline. */
void line_parse(struct span bytes, struct line *line);
/* The part behind the stamp again, for what was joined from several lines. */
void line_parse_body(struct span body, struct line *line);

#endif
