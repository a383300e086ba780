/* The strace reader: strace's text, in all the forms that people have, as records.
 *
 * Enters: bytes of one or several logs (strace -ff writes one a process), in any pieces. Leaves: the same records as the live tracer
 * makes, through a sink, with object ids found by simulating descriptors and by what -y and -yy print. Lines that could not be
 * read are counted with their numbers. Knows nothing of packets. Hostile input. */
#ifndef SW_TRACER_STRACE_H
#define SW_TRACER_STRACE_H

#include "src/base/err.h"
#include "tracer/call.h"

struct sw_strace; /* what several logs of one recording share: objects, processes, ids */
struct sw_strace_log; /* one of them */

/* what the stamps are */
enum sw_strace_clock {
	SW_STRACE_CLOCK_NONE, /* no stamps: lines are counted as microseconds */
	SW_STRACE_CLOCK_RELATIVE, /* -r */
	SW_STRACE_CLOCK_TIME_OF_DAY, /* -t, -tt: nanoseconds since a midnight */
	SW_STRACE_CLOCK_EPOCH, /* -ttt */
};

#define SW_STRACE_UNREAD_SHOWN 8

struct sw_strace_summary {
	enum sw_strace_clock clock;
	int64_t resolution_ns; /* of the stamps: 1 s, 1 us, 1 ns */
	bool durations; /* -T */
	bool addresses; /* -y or -yy */
	uint64_t named; /* bit enum sw_sys: a line of that call stands in the log */
	int64_t succeeded, failed; /* lines of calls of any kind that say so */
	bool executed; /* a line of execve */
	bool waits_cut; /* a poll does not say for what it waits (-s 0) */
	bool loaded; /* a program or a library was read: whoever does that closes it again */
	bool in_progress; /* a connect that did not wait */
	int64_t lines, calls; /* calls: delivered */
	int64_t unread;
	int64_t unread_lines[SW_STRACE_UNREAD_SHOWN]; /* numbers of the first ones */
	char unread_text[64]; /* beginning of the first one; control characters replaced */
	int64_t first_ns, last_ns; /* without the offset; SW_TIME_NONE: no line had a stamp */
};

struct sw_strace *sw_strace_new(const struct sw_trace_sink *sink);
void sw_strace_free(struct sw_strace *strace);
/* Added to every stamp; `drift` is parts per 10^9 since `since_ns` on the log's clock. */
void sw_strace_set_offset(struct sw_strace *strace, int64_t offset_ns, int64_t drift, int64_t since_ns);

/* Where a line of whole seconds really stood, at the least: found from packets. Both on the log's own clock; `stamp_ns` as raw reading
 * gives it. The pins are borrowed, sorted by thread and stamp. */
struct sw_strace_pin {
	uint32_t tid;
	int64_t stamp_ns, least_ns;
};
void sw_strace_set_pins(struct sw_strace *strace, const struct sw_strace_pin *pins, size_t count);
/* stamps of whole seconds stay as they stand, but for nanoseconds that tell lines apart */
void sw_strace_set_raw(struct sw_strace *strace);

/* `pid`: whose log it is where its lines do not say (-ff: the file's ending), 0 unknown. Freed with the strace. */
struct sw_strace_log *sw_strace_open(struct sw_strace *strace, uint32_t pid);
void sw_strace_feed(struct sw_strace_log *log, const char *bytes, size_t length);
void sw_strace_end(struct sw_strace_log *log); /* the last line, and what is still open */
/* No later record of this log will be older, but for what a stamp's own looseness makes. INT64_MAX after its end. */
int64_t sw_strace_complete_until(const struct sw_strace_log *log);
void sw_strace_summary(const struct sw_strace_log *log, struct sw_strace_summary *summary);

/* Whether these first bytes of a file look like strace's text. */
bool sw_strace_recognise(const char *bytes, size_t length);

#endif
