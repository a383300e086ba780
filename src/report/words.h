/* Sentences that the readers' reports (text, Markdown, HTML) share. Raw text: who prints it cleans it. The caller frees.
 *
 * NULL where there is nothing to say. */
#ifndef SW_REPORT_WORDS_H
#define SW_REPORT_WORDS_H

#include "src/report/context.h"

/* A list in one sentence: first, then `between`, then `after` between the others. */
char *sw_joined_text(const struct sw_texts *texts, const char *between, const char *after);
const char *sw_place_text(const char *where); /* "on the peer" */
const char *sw_severity_label(enum sw_severity severity); /* "FAILED", "SLOW", "note" */
const char *sw_cause_text(const struct sw_finding *finding); /* never NULL */

/* "an ICMP reject (no ICMP error came); ...", "refused-by-icmp (possible); ..." */
char *sw_ruled_out_text(const struct sw_finding *finding);
char *sw_alternatives_text(const struct sw_finding *finding);
/* Where the address came from, where that is worth a line; NULL. */
const char *sw_origin_text(const struct sw_flow_summary *flow);
char *sw_deadline_text(const struct sw_deadline *deadline); /* whose patience ended it */
const char *sw_part_text(enum sw_part part); /* "peer's turn": a column's width */
char *sw_parts_text(const struct sw_symptom *symptom); /* "2.9 s peer's turn, 0.10 s round trips", the largest first */
char *sw_lost_text(const struct sw_report_context *context, const struct sw_finding *finding);
char *sw_recovered_text(const struct sw_report_context *context, const struct sw_finding *finding);
/* What a person was told of it while the session ran, where that no longer holds; NULL: the same, or nothing. */
char *sw_said_live_text(const struct sw_report_context *context, const struct sw_finding *finding);
bool sw_frame_is_script(const struct sw_frame *frame); /* of a program that an interpreter runs */
/* Why a stack has none of those although an interpreter is in it; NULL: it has, or there is none. */
const char *sw_stack_note(const struct sw_symptom *symptom);
char *sw_frame_text(const struct sw_frame *frame); /* "fetch (fetch.c:120)", "main+0x41", "libc.so.6+0x29d90" */

/* The moment that stands beside a line of evidence, behind others of which `last` is the latest: a call that had to wait stands behind what
 * ended it, and so with the moment at which it returned. */
int64_t sw_evidence_moment(const struct sw_evidence *evidence, int64_t last);

/* "0.000051", seconds since `base`; "?" unknown. Buffer of 48 bytes. */
const char *sw_relative_text(int64_t ns, int64_t base, char *buffer);
/* "#12" for a packet: Wireshark's number; with its input when there are several. */
char *sw_record_number_text(enum sw_evidence_kind kind, uint32_t number, uint16_t input);

/* A run without findings: "curl exited 0; 31 calls on 4 sockets; nothing failed, ...", or that it was not seen enough. */
char *sw_clean_text(const struct sw_report_context *context);
/* The last line: what was watched, and whether a packet that is missing proves anything. */
char *sw_watched_text(const struct sw_report *report);

#endif
