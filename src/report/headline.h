/* The words of the text report: what failed, where to, how it ended, how often, when. Raw text: the page cleans it. */
#ifndef SW_REPORT_HEADLINE_H
#define SW_REPORT_HEADLINE_H

#include "src/report/context.h"

/* "connect to db.lab (10.77.2.2:5433): ECONNREFUSED, 5 times in 4.1 s, last 20:58:11.017Z". The caller frees. */
char *sw_headline(const struct sw_report_context *context, const struct sw_finding *finding);
/* The same without the times by the clock. */
char *sw_headline_short(const struct sw_finding *finding);

/* "node[15943]"; NULL unknown. The caller frees. */
char *sw_process_text(const struct sw_symptom *symptom);
const char *sw_peer_name(const struct sw_finding *finding); /* NULL: none is known */
/* By the wall clock "20:58:11.017Z", or what the input's stamps allow. Buffer of 48 bytes. */
char *sw_when_text(const struct sw_report_context *context, int64_t ns, char *buffer);
/* "the peer host (its kernel or firewall)" */
const char *sw_locus_text(enum sw_locus locus);
/* "1 socket", "2 sockets": plural by "s". Buffer of 64 bytes. */
char *sw_count_text(int64_t count, const char *noun, char *buffer);
/* The no that came as an answer: "NXDOMAIN", "no record of type AAAA", "alert certificate_expired". The caller frees. */
char *sw_no_text(const struct sw_finding *finding);
/* The same with the date, where it is known: what is passed on is read on another day. Buffer of 64 bytes. */
char *sw_date_text(const struct sw_report_context *context, int64_t ns, char *buffer);

#endif
