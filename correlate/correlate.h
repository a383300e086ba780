/* The correlator: both timelines in, a report out. Pure: no ptrace, no libpcap, no file, no clock, no printing.
 *
 * Records come in the order of time (a call's two deliveries at its enter and its exit); a record that is late by less
 * than SW_LATE_NS is taken in its place in the causal sense (a RST stamped just after the call that it ended). Memory
 * grows with sockets and symptoms, not with calls or packets. */
#ifndef SW_CORRELATE_CORRELATE_H
#define SW_CORRELATE_CORRELATE_H

#include "correlate/report.h"

struct sw_correlate;

struct sw_ended { /* an operation that ended, well or not; texts are lent */
	enum sw_operation operation;
	enum sw_outcome outcome;
	int32_t error; /* errno, 0 none */
	uint32_t flow, lookup; /* 0 none; debts of one lookup have its number */
	struct sw_addr target; /* whom it was with */
	const char *name; /* of the target, or the name that was looked up; NULL unknown */
	/* of sw_correlate_lately() alone */
	uint32_t pid, netns; /* who waited (0 unknown), and in which network namespace */
	struct sw_ip source; /* our address; family 0 unknown */
	int64_t began_ns, ended_ns;
};

struct sw_correlate_options {
	int64_t slow_ns; /* --slow, default 1 s */
	int64_t settle_ns; /* --settle, default 5 s */
	bool attached; /* the session joined a process in mid-life */
	bool imported; /* logs and captures of other tools: stamps are looser, local ports may be missing */
	bool calls_missing; /* a capture without a log */
	bool calls_lacking; /* a log of some calls only */
	bool calls_may_lack; /* its beginning looks so: what the packets alone show is kept beside it, should it prove true */
	bool successes_lacking; /* a log of failed calls only: how anything went on is not there */
	bool packets_missing; /* a log without a capture, or no right to capture */
	int64_t clock_error_ns; /* imported: uncertainty of the offset between the timelines; 0 same clock */
	bool exits_unknown; /* imported: the log does not say how long calls took */
	int64_t stamp_error_ns; /* imported: what the log's stamps are cut off at */
	struct sw_ip hosts[16]; /* --host: addresses that are ours, for a capture without a log (shown.h) */
	size_t host_count;
	void (*ended)(void *context, const struct sw_ended *ended); /* NULL: nobody asks; not in order of their begin */
	void *ended_context;
	/* sw_correlate_judge(): a finding that is final, in the words of the report. Lent until the callback returns; `count` is of
	 * those that became final together. NULL: nobody asks. */
	void (*found)(void *context, const struct sw_finding *finding);
	void *found_context;
};

/* Whether the times of calls can be held against those of packets as finely as this. */
static inline bool sw_options_calls_sure(const struct sw_correlate_options *options, int64_t within_ns)
{
	return !options->calls_missing && options->clock_error_ns + options->stamp_error_ns <= within_ns;
}

struct sw_correlate *sw_correlate_new(const struct sw_correlate_options *options);
void sw_correlate_socket(struct sw_correlate *correlate, const struct sw_socket *socket);
void sw_correlate_enter(struct sw_correlate *correlate, const struct sw_call *call);
void sw_correlate_leave(struct sw_correlate *correlate, const struct sw_call *call);
void sw_correlate_process(struct sw_correlate *correlate, const struct sw_process *process);
void sw_correlate_fact(struct sw_correlate *correlate, const struct sw_fact *fact);
void sw_correlate_limit(struct sw_correlate *correlate, const struct sw_limit *limit);
void sw_correlate_packet(struct sw_correlate *correlate, const struct sw_packet *packet);
void sw_correlate_status(struct sw_correlate *correlate, const struct sw_capture_status *status);

/* options.attached and options.calls_lacking, for a reader that learns it on the way. */
void sw_correlate_attached(struct sw_correlate *correlate);
void sw_correlate_lacking(struct sw_correlate *correlate, bool successes);

/* Whether anything is still owed, or was given up so lately that more packets may decide it, or a FIN or byte of ours is
 * unacknowledged: the session goes on capturing (at most --linger) while this says so. */
bool sw_correlate_expects_more(const struct sw_correlate *correlate, int64_t now_ns);

/* What ended badly in the last seconds and is not judged yet, for whoever wants to ask more before it is; the same is told again
 * at each call. */
void sw_correlate_lately(const struct sw_correlate *correlate,
			 void (*each)(void *context, const struct sw_ended *ended), void *context);

/* Connections that owe something and have not moved for --slow, each time that has doubled, at least once a
 * minute: for whoever can ask what the kernel knows of them. */
void sw_correlate_stalled(struct sw_correlate *correlate, int64_t now_ns, void (*each)(void *context, uint32_t socket),
			  void *context);

/* All records up to `now_ns` were given: judges the symptoms that have become final, by the same rules as at the end: that is
 * options.settle_ns after they ended, when nothing that is still open belongs to them. What was said of each is remembered: where
 * the end of the recording shows it otherwise, the report says so (said_verdict). The oldest that were judged are forgotten but
 * for their place in the report, so that memory does not grow with days. */
void sw_correlate_judge(struct sw_correlate *correlate, int64_t now_ns);
/* What a recording that begins now has to be told of what is there already: limits, states of captures, processes, sockets, members
 * of epoll sets, facts of the session, all as of `from_ns`. Calls to the sinks are made before it returns. */
void sw_correlate_snapshot(const struct sw_correlate *correlate, int64_t from_ns, const struct sw_trace_sink *trace,
			   const struct sw_packet_sink *packets);
/* When the oldest operation began that is open, or whose symptom has not been judged; SW_TIME_NONE: there is none. */
int64_t sw_correlate_needs_since(const struct sw_correlate *correlate);

/* Ends what is open, judges, groups and ranks. The correlator is freed; the caller owns the report. */
struct sw_report *sw_correlate_finish(struct sw_correlate *correlate, int64_t end_ns);

#endif
