/* What the recorder's loop (recorder.c) and its end (recorder_end.c) share. */
#ifndef SW_RECORDER_INTERNAL_H
#define SW_RECORDER_INTERNAL_H

#include "correlate/correlate.h"
#include "src/anonymize/anonymize.h"
#include "src/captures.h"
#include "src/flight.h"
#include "src/merge.h"
#include "src/probe/ask.h"
#include "src/recorder.h"
#include "src/timeline.h"

struct recorder {
	const struct sw_recorder_start *start;
	struct sw_merge *merge;
	struct sw_trace_sink to_merge;
	struct sw_correlate *correlate;
	struct sw_timeline *timeline; /* NULL without -v */
	struct sw_incident *incident; /* NULL without -o FILE.pcapng or FILE.pcap */
	struct sw_packet_sink packets_to_merge;
	struct sw_captures *captures;
	struct sw_prober *prober; /* NULL without --probe */
	struct sw_anonymizer *anonymizer; /* NULL without --anonymize */
	uint32_t command_pid;
	int64_t started_ns, ended_ns; /* of the command; SW_TIME_NONE while it runs */
	uint64_t damaged;
	bool control_open;
	struct sw_view *view;
	struct sw_flight *flight; /* NULL: not a flight recorder */
	struct sw_report_context context; /* of the report; its report comes last */
	int64_t judged_ns; /* when symptoms were last looked at */
	uint64_t calls, packets; /* kept */
	bool stop_asked;
	int64_t stop_asked_ns;
	int64_t finished_ns; /* the tracer had said its last word, and this was seen; SW_TIME_NONE */
	int flight_error; /* the first that an incident of --each-failure met */
};

/* A command goes on under its tracer when we have seen enough of it. */
static inline bool sw_recorder_is_done(const struct recorder *recorder)
{
	return recorder->stop_asked && recorder->start->target.mode == SW_MODE_RUN;
}

void sw_recorder_context(struct recorder *recorder);
/* Judges what is left and writes everything; the recorder's exit status. */
int sw_recorder_publish(struct recorder *recorder);

#endif
