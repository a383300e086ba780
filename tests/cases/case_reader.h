/* Case files: calls and packets in one readable text, and what is wanted of the report. tests/cases/README.md has every word.
 *
 * Enters: a file. Leaves: the report that the correlator makes of it, and the wants. Used by the runner of cases and by the
 * golden matrix. */
#ifndef SW_TEST_CASE_READER_H
#define SW_TEST_CASE_READER_H

#include <stdio.h>

#include "correlate/correlate.h"
#include "src/base/err.h"

#define SW_CASE_CITES_MAX 8
#define SW_CASE_WANTS_MAX 8
#define SW_CASE_WORD 48

struct sw_want { /* an empty word: no matter */
	bool negative; /* no finding of that verdict above note */
	uint32_t line;
	char verdict[SW_CASE_WORD], confidence[SW_CASE_WORD], locus[SW_CASE_WORD], severity[SW_CASE_WORD],
		outcome[SW_CASE_WORD];
	uint32_t count; /* 0: no matter */
	uint32_t cite_count;
	char cites[SW_CASE_CITES_MAX][8]; /* "1": the packet's line; "c1": the call's id */
};

struct sw_case_said { /* while the records came */
	const char *verdict;
	enum sw_severity severity;
};

struct sw_case {
	struct sw_report *report;
	size_t said_count;
	struct sw_case_said said[16];
	uint32_t want_count;
	struct sw_want wants[SW_CASE_WANTS_MAX];
};

int sw_case_read(const char *path, struct sw_case *one, struct sw_err *err);
/* The same, judging at every record, as a live session does. */
int sw_case_judge(const char *path, struct sw_case *one, struct sw_err *err);
void sw_case_release(struct sw_case *one);
/* 0, or what differs, a line each, to `out`. */
unsigned sw_case_check(const struct sw_case *one, const char *path, FILE *out);

/* What the packet carries, from the words behind "dns" or "tls"; valid until the next packet. */
int sw_case_application(struct sw_packet *packet, char **words, size_t count, struct sw_err *err);

/* ---- pkt lines: one packet each ---- */
struct sw_case_packets;
struct sw_case_packets *sw_case_packets_new(void);
void sw_case_packets_free(struct sw_case_packets *packets);
/* `line` begins behind "pkt"; the packet is handed to `sink` and numbered in order. */
int sw_case_packet(struct sw_case_packets *packets, const char *line, const struct sw_packet_sink *sink,
		   struct sw_err *err);

#endif
